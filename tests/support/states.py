"""States that a checkpoint may hold, drawn by hypothesis."""

from collections import Counter, OrderedDict

from hypothesis import strategies as st

keys = st.one_of(st.text("ab.é😀\ud800", max_size=4), st.integers(-(2**63), 2**63 - 1))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [255, 256, 65535, 65536, 2**31 - 1, 2**31, -1, -(2**31), -(2**31) - 1, 2**2000]
    ),
    st.floats(),
    st.text("ab.é😀\ud800\0\n", max_size=4),
)


def _grown(inner):
    return st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4).map(OrderedDict),
        st.dictionaries(keys, st.integers(0, 9), max_size=4).map(Counter),
    )


#: Anything but arrays. Compare by `repr`: that tells 1 from True, and finds nan equal.
plain_states = st.recursive(leaves, _grown, max_leaves=12)
