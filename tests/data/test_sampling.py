"""Stratified draws, over many class sizes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fal.data.sampling import size_of_test_set, stratified_draw


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


@given(classes=st.integers(1, 50), each=st.integers(2, 50), fraction=st.floats(0.001, 0.999))
def test_both_parts_have_an_image_of_each_class(classes, each, fraction):
    size = size_of_test_set(classes * each, classes, fraction)
    assert classes <= size <= classes * each - classes
    if classes < fraction * classes * each < classes * each - classes:
        assert abs(size - fraction * classes * each) <= 0.5
