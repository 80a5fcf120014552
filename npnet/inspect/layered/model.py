"""Model: what is laid out, and what a layout is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Arc", "Layout", "Line", "Placed", "Room", "Vertex"]


@dataclass(frozen=True)
class Room:
    """Room for words along a straight piece of a line, in pixels."""

    width: float = 0.0
    above: float = 0.0
    below: float = 0.0


@dataclass(frozen=True)
class Vertex:
    """What stands somewhere, and what leaves it.

    Attributes
    ----------
    width, height : float
    outlets : tuple of Room
        One for each value that leaves it: all lines of a value leave at one place, as one line
        for as long as they can.
    round : bool
        Whether it ends in half circles at the left and the right.
    late : bool
        Whether it stands as far right as what it leads to permits, if nothing leads to it.
    side : float
        Where it stands in its column: 0 at the left, 0.5 in the middle, 1 at the right.
    caption : (width, height)
        Of what stands right below it.
    """

    width: float
    height: float
    outlets: tuple[Room, ...] = ()
    round: bool = False
    late: bool = False
    side: float = 0.5
    caption: tuple[float, float] = (0.0, 0.0)

    @property
    def breadth(self) -> float:
        """Width of it and its caption."""
        return max(self.width, self.caption[0])


@dataclass(frozen=True)
class Arc:
    """A line from an outlet of one vertex to another vertex.

    Attributes
    ----------
    tail, outlet, head : int
    room : Room
        For words before it ends.
    main : bool
        Whether it is the line that should be straight, where not all lines to a vertex can.
    """

    tail: int
    head: int
    outlet: int = 0
    room: Room = Room()
    main: bool = False


@dataclass(frozen=True)
class Placed:
    """Where a vertex stands: its middle, and its column from 0."""

    x: float
    y: float
    width: float
    height: float
    rank: int

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Line:
    """An arc: pieces that are straight and level, joined by smooth curves.

    Attributes
    ----------
    points : tuple of (x, y)
        Ends of the level pieces, in turn: the first and second point have one height, the third
        and fourth, and so on.
    start, end : int
        Which piece has the room of the outlet, and which the arc's own.
    """

    points: tuple[tuple[float, float], ...]
    start: int
    end: int

    def piece(self, number: int) -> tuple[float, float, float]:
        """Return left end, right end and height of a level piece."""
        (left, y), (right, _) = self.points[2 * number : 2 * number + 2]
        return left, right, y


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in pixels from the upper left corner.

    Attributes
    ----------
    width, height : float
    vertices : tuple of Placed, one a Vertex
    lines : tuple of Line, one an Arc
    outlets : tuple of tuples of (left, right, y)
        For each vertex the piece of line that has the room of each of its outlets.
    bends : int
        How many places had to be found for lines that pass columns.
    crossings : int
        How many lines cross, between columns.
    """

    width: float
    height: float
    vertices: tuple[Placed, ...]
    lines: tuple[Line, ...]
    outlets: tuple[tuple[tuple[float, float, float], ...], ...]
    bends: int
    crossings: int
