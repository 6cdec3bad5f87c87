"""Who labels: the truth, or something near it."""

import unicodedata

import numpy as np
import pytest
from scipy import stats

from fal.data import oracles
from fal.data.oracles.base import Oracle
from fal.data.oracles.noisy import read_confusion
from fal.errors import InputError

CLASSES = ["cat", "dog", "1"]
LABELS = np.repeat([0, 1, 2, -1], [4000, 3000, 2000, 50])


def test_the_simulated_oracle_tells_the_truth():
    oracle = oracles.create("simulated")
    assert np.array_equal(oracle.label(LABELS, CLASSES, seed=1), LABELS)


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_noisy_oracle_errs_at_its_rate_and_in_every_direction_alike(rate):
    said = oracles.create("noisy", rate=rate).label(LABELS, CLASSES, seed=1)
    assert np.array_equal(said[LABELS < 0], LABELS[LABELS < 0])
    for label in range(3):
        counts = np.bincount(said[label == LABELS], minlength=3)
        others = np.delete(counts, label)
        wrong = others.sum()
        assert stats.binomtest(int(wrong), int(counts.sum()), rate).pvalue > 1e-3
        if wrong:
            assert stats.chisquare(others).pvalue > 1e-3


def test_the_same_image_gets_the_same_answer_under_one_seed():
    oracle = oracles.create("noisy", rate=0.5)
    first = oracle.label(LABELS, CLASSES, seed=1)
    assert np.array_equal(oracle.label(LABELS, CLASSES, seed=1), first)
    assert not np.array_equal(oracle.label(LABELS, CLASSES, seed=2), first)


def test_a_confusion_matrix_is_followed(tmp_path):
    path = tmp_path / "confusion.csv"
    path.write_text("true,1,dog,cat\ndog,0,0,7\n1,3,1,0\ncat,0.0,0.25,0.75\n")
    expected = [[0.75, 0.25, 0], [1, 0, 0], [0, 0.25, 0.75]]
    assert np.allclose(read_confusion(path, CLASSES), expected)
    said = oracles.create("noisy", confusion=str(path)).label(LABELS, CLASSES, seed=3)
    for label, row in enumerate(expected):
        counts = np.bincount(said[label == LABELS], minlength=3)
        possible = np.array(row) > 0
        assert not counts[~possible].any()
        if possible.sum() > 1:
            shares = np.array(row)[possible] * counts.sum()
            assert stats.chisquare(counts[possible], shares).pvalue > 1e-3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("true,cat,dog\ncat,1,0\ndog,0,1\n", "no row or no column for the class '1'"),
        ("true,cat,dog,1\ncat,1,0,0\ndog,0,0,0\n1,0,0,1\n", "the row of 'dog' must have numbers"),
        ("true,cat,dog,1\ncat,-1,2,0\ndog,0,1,0\n1,0,0,1\n", "the row of 'cat' must have numbers"),
        ("true,cat,dog,1\ncat,a,0,0\ndog,0,1,0\n1,0,0,1\n", "the row of 'cat' must have numbers"),
        ("true,cat,dog,1\ncat,1,,0\ndog,0,1,0\n1,0,0,1\n", "the row of 'cat' must have numbers"),
        ("true,cat,dog,1\ncat,1,0\ndog,0,1,0\n1,0,0,1\n", "the row of 'cat' must have numbers"),
        ("true,cat,dog,1\ncat,1,0,0\ncat,0,1,0\ndog,0,1,0\n1,0,0,1\n", "two rows .* class 'cat'"),
        (
            "true,cat,dog,cat,1\ncat,1,0,0,0\ndog,0,1,0,0\n1,0,0,0,1\n",
            "columns for the class 'cat'",
        ),
        ("", "no row or no column for the class 'cat'"),
        ('true,cat,dog,1\n"cat,1,0,0\n' + 40000 * "dog,", "cannot be read as a table"),
    ],
)
def test_a_bad_matrix_is_refused(tmp_path, text, reason):
    path = tmp_path / "confusion.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        read_confusion(path, CLASSES)


@pytest.mark.parametrize(("form", "other"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_the_names_of_a_confusion_matrix_are_compared_as_those_of_labels(tmp_path, form, other):
    name = unicodedata.normalize(form, "Nävus")
    path = tmp_path / "confusion.csv"
    path.write_text(f"true,MEL ,{name}\nMEL,3,1\n{name},0,1\n", encoding="utf-8")
    classes = ["MEL", unicodedata.normalize(other, name)]
    assert read_confusion(path, classes).tolist() == [[0.75, 0.25], [0, 1]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_matrix_may_have_other_separators_and_classes_called_like_missing_values(
    tmp_path, delimiter
):
    path = tmp_path / "confusion.csv"
    path.write_text("true,NA,null\n\nnull,1,3\nNA,1,0\n".replace(",", delimiter))
    assert read_confusion(path, ["NA", "null"]).tolist() == [[1, 0], [0.25, 0.75]]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (np.array([0, 1, 3]), "says 3, but must say positions in the 3 classes"),
        (np.array([0, -2, 1]), "says -2"),
        (np.array([0.0, 1.0, 0.7]), r"whole numbers \[3\].*not float64"),
        (np.array([0, 1]), r"not int64 \[2\]"),
    ],
)
def test_an_oracle_of_ones_own_that_says_no_classes_is_refused(said, reason):
    class Own(Oracle):
        def label(self, labels, classes, seed):
            return said

    with pytest.raises(InputError, match=f"the oracle Own .*{reason}"):
        Own().ask(np.zeros(3, np.int64), CLASSES, 1)


def test_an_oracle_may_leave_an_image_untold():
    class Own(Oracle):
        def label(self, labels, classes, seed):
            return [-1, 2, 0]

    assert Own().ask(np.zeros(3, np.int64), CLASSES, 1).tolist() == [-1, 2, 0]


@pytest.mark.parametrize("options", [{}, {"rate": 0.1, "confusion": "a.csv"}])
def test_noise_is_said_in_one_way(options):
    with pytest.raises(InputError, match="either rate or confusion"):
        oracles.create("noisy", **options)
