"""Streams for metrics: samples cut into batches, and a metric that has seen them."""

import itertools

import numpy as np


def cut(count, places):
    """Return slices of `count` samples, cut at these places."""
    edges = [0, *sorted(place % (count + 1) for place in places), count]
    return [slice(*edge) for edge in itertools.pairwise(edges)]


def seen(metric, outputs, targets, weights=None, places=()):
    """Return the metric after the batches that samples are cut into at these places."""
    for part in cut(len(outputs), places):
        metric.update(outputs[part], targets[part], None if weights is None else weights[part])
    return metric


def same(one, other):
    """Whether states or figures are equal to the last bit, NaN with NaN."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if one is None or other is None:
        return one is other
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)
