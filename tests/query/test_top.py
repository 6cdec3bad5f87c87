"""The highest scores against sorting by hand."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from fal.query.ranking import top


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(0, 40))
def test_the_highest_and_the_first_of_equals(scores, budget):
    expected = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:budget]
    for given_as in (torch.tensor(scores, dtype=torch.float32), np.array(scores, float), scores):
        found = top(given_as, budget)
        assert found.dtype == np.int64
        assert found.tolist() == expected


def test_unsigned_scores_and_truth_values():
    assert top(np.array([1, 3, 2], np.uint8), 2).tolist() == [1, 2]
    assert top(torch.tensor([False, True, True]), 2).tolist() == [1, 2]
