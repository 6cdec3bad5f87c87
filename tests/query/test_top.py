"""The highest scores against sorting by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fal.query.ranking import top


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(0, 40), st.integers(0, 9))
def test_the_highest_first(scores, budget, seed):
    for given_as in (torch.tensor(scores, dtype=torch.float32), np.array(scores, float), scores):
        found = top(given_as, budget, seed)
        assert found.dtype == np.int64
        assert len(set(found)) == len(found)
        assert [scores[i] for i in found] == sorted(scores, reverse=True)[:budget]
        assert found.tolist() == top(scores, len(scores), seed)[:budget].tolist()


def test_each_of_equals_is_as_likely():
    scores = np.array([0, 1, 1, 5, 1, 1, 0])
    second = np.array([top(scores, 2, seed) for seed in range(2000)])
    assert (second[:, 0] == 3).all()
    counts = np.bincount(second[:, 1], minlength=7)
    assert counts[[0, 3, 6]].sum() == 0
    assert counts[[1, 2, 4, 5]] == pytest.approx(500, abs=4 * np.sqrt(2000 * 3 / 16))


def test_unsigned_scores_and_truth_values():
    assert top(np.array([1, 3, 2], np.uint8), 2, 0).tolist() == [1, 2]
    assert sorted(top(torch.tensor([False, True, True]), 2, 0)) == [1, 2]
