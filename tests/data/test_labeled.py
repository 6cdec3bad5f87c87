"""What is labeled when a cycle begins."""

import numpy as np

from fal.data.labeled import Labeled

CLIENT = np.array([0, 0, 1, 1, 2, 2])


def test_answers_are_kept_in_the_order_of_the_images(tmp_path):
    labeled = Labeled.of(np.array([5, 0, 3]), np.array([2, 1, -1]), CLIENT)
    assert labeled.index.tolist() == [0, 5]
    assert labeled.label.tolist() == [1, 2]
    assert labeled.unsure.tolist() == [0, 1, 0]
    labeled.save(tmp_path / "labeled.npz")
    read = Labeled.open(tmp_path / "labeled.npz")
    assert all(np.array_equal(getattr(read, key), value) for key, value in vars(labeled).items())


def test_a_query_adds_its_answers_and_only_its_own_doubts_count():
    labeled = Labeled.of(np.array([5, 0, 3]), np.array([2, 1, -1]), CLIENT)
    more = labeled.extended(np.array([3, 1, 4]), np.array([0, -1, 2]), CLIENT)
    assert more.index.tolist() == [0, 3, 4, 5]
    assert more.label.tolist() == [1, 0, 2, 2]
    assert more.unsure.tolist() == [1, 0, 0]
    assert more.labels(6).tolist() == [1, -1, -1, 0, 2, 2]
