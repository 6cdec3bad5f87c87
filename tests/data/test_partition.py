"""Who holds which example, as arrays."""

import numpy as np

from fal.data.partition import class_counts, client_parts, describe_sizes


def test_class_counts_against_a_loop():
    client, labels = np.array([0, 1, 0, 0, 1]), np.array([2, 0, 2, 1, 0])
    expected = [
        [sum(labels[i] == c for i in range(5) if client[i] == k) for c in range(4)] for k in (0, 1)
    ]
    assert class_counts(client, labels, 4).tolist() == expected


def test_client_parts():
    parts = client_parts(np.array([0, 1, 0, 0, 1]))
    assert [part.tolist() for part in parts] == [[0, 2, 3], [1, 4]]


def test_sizes_in_words():
    assert describe_sizes(np.array([7, 7])) == "7 images per client"
    text = "3 to 100000 images per client (median 5.5)"
    assert describe_sizes(np.array([3, 4, 7, 100_000])) == text
