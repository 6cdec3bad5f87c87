"""How many images are labeled, and which ones at the start."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal.data.labeling import Labeling, amount, initial_labels
from fal.data.sampling import round_half_up
from fal.errors import InputError
from fal.options import parse


@given(halves=st.integers(-1000, 1000))
def test_halves_are_rounded_up(halves):
    assert round_half_up(halves / 2) == (halves + 1) // 2


@pytest.mark.parametrize(
    ("value", "size", "expected"),
    [(0.5, 5, 3), (0.1, 5, 1), (0.05, 143, 7), (0.001, 5, 1), (1, 50, 1), (7, 5, 7)],
)
def test_amounts_are_fractions_or_counts(value, size, expected):
    assert amount(value, size) == expected


@pytest.mark.parametrize("key", ["initial", "budget"])
@pytest.mark.parametrize("value", [0, 1.0, 1.5, -0.1, "0,1", True, None])
def test_amounts_that_are_neither(key, value):
    with pytest.raises(InputError, match="a fraction between 0 and 1 or a whole number of at le"):
        parse(Labeling, {key: value}, "labeling", "labeling.")


def test_a_whole_number_stays_one():
    assert parse(Labeling, {"budget": 5}, "labeling") == Labeling(budget=5)
    assert isinstance(parse(Labeling, {"budget": 5}, "labeling").budget, int)


def test_fractions_beyond_all_images():
    with pytest.raises(InputError, match=r"^labeling: initial 0\.5 and 3 .* 0\.3 ask for 140%"):
        parse(Labeling, {"initial": 0.5, "budget": 0.3}, "labeling", "labeling.")
    Labeling(initial=0.1, budget=0.3, cycles=3)


@pytest.mark.parametrize(
    ("options", "num_train", "clients", "message"),
    [
        ({}, 9, 10, "clients is 10, but data set 'x' has only 9 training images"),
        ({"initial": 0.1}, 100, 10, "labels 1 of the 10 images of a client"),
        ({"initial": 1}, 1000, 10, "labels 1 of the 100 images of a client"),
        ({"initial": 50, "budget": 20}, 1000, 10, "asks for 110 images of a client"),
        ({"initial": 0.5, "budget": 20}, 1000, 10, "asks for 110 images of a client"),
        ({"initial": 0.5, "budget": 0.1, "cycles": 5}, 50, 10, "but each has only 5"),
    ],
)
def test_sizes_that_do_not_suffice(options, num_train, clients, message):
    with pytest.raises(InputError, match=message):
        Labeling(**options).check("x", num_train, clients)


@given(
    initial=st.floats(0.01, 0.5),
    budget=st.floats(0.01, 0.5),
    cycles=st.integers(0, 8),
    size=st.integers(2, 300),
)
def test_a_checked_labeling_never_asks_an_empty_query(initial, budget, cycles, size):
    try:
        labeling = Labeling(initial=initial, budget=budget, cycles=cycles)
        labeling.check("x", 3 * size, 3)
    except InputError:
        return
    labeled = amount(initial, size)
    assert labeled >= 2
    for _ in range(cycles):
        assert labeled < size
        labeled = min(size, labeled + amount(budget, size))


def test_small_counts_are_warned_of_and_fractions_are_not():
    assert not list(Labeling().warnings("digits", 1438, 10))
    assert not list(Labeling(initial=20, budget=10).warnings("digits", 1438, 10))
    (sentence,) = Labeling(budget=5).warnings("digits", 1438, 10)
    assert "labeling.budget is 5, which is 5 of the 143 images of a client" in sentence
    assert "for 5% write 0.05" in sentence
    assert len(list(Labeling(initial=20, budget=20).warnings("cifar10", 50_000, 10))) == 2
    assert not list(Labeling(initial=20, budget=5, cycles=0).warnings("digits", 1438, 10))


@given(count=st.integers(0, 20), seed=st.integers(0, 2**32))
def test_initial_labels_are_distinct_sorted_and_the_clients_own(count, seed):
    parts = [np.arange(0, 40, 2), np.arange(1, 60, 2)]
    chosen = initial_labels(parts, count, seed)
    for part, some in zip(parts, chosen, strict=True):
        assert len(some) == count
        assert np.all(np.diff(some) > 0)
        assert np.isin(some, part).all()
    again = initial_labels(parts, count, seed)
    assert all(np.array_equal(one, two) for one, two in zip(chosen, again, strict=True))


def test_initial_labels_of_a_client_do_not_depend_on_the_others():
    parts = [np.arange(100), np.arange(100, 200)]
    both = initial_labels(parts, 10, 5)
    assert np.array_equal(initial_labels(parts[:1], 10, 5)[0], both[0])
    assert not np.array_equal(both[0], both[1] - 100)


@pytest.mark.parametrize("count", [-1, 4])
def test_initial_labels_must_fit_the_smallest_client(count):
    with pytest.raises(InputError, match=r"smallest client \(3\)"):
        initial_labels([np.arange(5), np.arange(5, 8)], count, 0)
