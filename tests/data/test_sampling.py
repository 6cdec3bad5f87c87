"""Stratified draws and long tails, over many class sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal.data.sampling import (
    long_tail,
    round_half_up,
    round_up,
    size_of_test_set,
    stratified_draw,
)


@pytest.mark.parametrize(
    ("value", "nearest", "up"),
    [(0.29 * 50, 15, 15), (0.57 * 50, 29, 29), (0.07 * 100, 7, 7), (2.4, 2, 3), (2.6, 3, 3)],
)
def test_amounts_are_rounded_as_on_paper(value, nearest, up):
    assert round_half_up(value) == nearest
    assert round_up(value) == up


@given(
    sizes=st.lists(st.integers(2, 40), min_size=1, max_size=8),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_every_class_gives_its_share(sizes, share, seed):
    sizes = np.array(sizes)
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    count = len(sizes) + round(share * (len(labels) - len(sizes)))
    drawn = stratified_draw(labels, count, sizes, np.random.default_rng(seed))
    assert len(drawn) == count
    assert (np.diff(drawn) > 0).all()
    counts = np.bincount(labels[drawn], minlength=len(sizes))
    assert counts.min() >= 1
    exact = 1 + (sizes - 1) * (count - len(sizes)) / max(1, (sizes - 1).sum())
    assert np.abs(counts - exact).max() < 1


@pytest.mark.parametrize("count", [3, 5, 9, 10, 20, 43])
def test_a_class_without_examples_gives_none(count):
    labels = np.repeat([0, 2, 3], [20, 20, 3])
    drawn = stratified_draw(labels, count, np.array([20, 0, 20, 3]), np.random.default_rng(0))
    assert len(drawn) == count
    assert np.isin([0, 2, 3], labels[drawn]).all()


@given(classes=st.integers(1, 50), each=st.integers(2, 50), fraction=st.floats(0.001, 0.999))
def test_both_parts_have_an_image_of_each_class(classes, each, fraction):
    size = size_of_test_set(classes * each, classes, fraction)
    assert classes <= size <= classes * each - classes
    if classes < fraction * classes * each < classes * each - classes:
        assert abs(size - fraction * classes * each) <= 0.5


def test_the_long_tail_of_cifar_10():
    """The sizes that CIFAR-10-LT has in the literature at imbalance 0.01 (Cui et al., 2019)."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 5000))
    kept = long_tail(labels, 10, 0.01, np.random.default_rng(1))
    sizes = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    assert np.bincount(labels[kept]).tolist() == sizes
    assert np.all(np.diff(kept) > 0)
    assert not np.array_equal(kept, long_tail(labels, 10, 0.01, np.random.default_rng(2)))


@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=8).filter(any),
    imbalance=st.floats(0.001, 0.999),
)
def test_long_tails_of_classes_of_any_size(sizes, imbalance):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    kept = long_tail(labels, len(sizes), imbalance, np.random.default_rng(0))
    counts = np.bincount(labels[kept], minlength=len(sizes))
    for c, (count, size) in enumerate(zip(counts, sizes, strict=True)):
        share = imbalance ** (c / max(1, len(sizes) - 1))
        assert count == min(size, max(1, int(max(sizes) * share)))
