"""Who holds which example, as arrays."""

import numpy as np

from fal.data.partition import class_counts


def test_class_counts_against_a_loop():
    client, labels = np.array([0, 1, 0, 0, 1]), np.array([2, 0, 2, 1, 0])
    expected = [
        [sum(labels[i] == c for i in range(5) if client[i] == k) for c in range(4)] for k in (0, 1)
    ]
    assert class_counts(client, labels, 4).tolist() == expected
