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
    chosen = initial_labels(parts, [count] * 2, seed)
    for part, some in zip(parts, chosen, strict=True):
        assert len(some) == count
        assert np.all(np.diff(some) > 0)
        assert np.isin(some, part).all()
    again = initial_labels(parts, [count] * 2, seed)
    assert all(np.array_equal(one, two) for one, two in zip(chosen, again, strict=True))


def test_initial_labels_of_a_client_do_not_depend_on_the_others():
    parts = [np.arange(100), np.arange(100, 200)]
    both = initial_labels(parts, [10, 10], 5)
    assert np.array_equal(initial_labels(parts[:1], [10], 5)[0], both[0])
    assert not np.array_equal(both[0], both[1] - 100)


@pytest.mark.parametrize("count", [-1, 4])
def test_initial_labels_must_fit_their_client(count):
    with pytest.raises(InputError, match=rf"of client 1 .* its size \(3\), not {count}"):
        initial_labels([np.arange(5), np.arange(5, 8)], [2, count], 0)


SIZES = np.array([3, 100_000, 1, 40, 41])


def test_clients_of_unequal_size_give_shares_of_their_own_images():
    labeling = Labeling(initial=0.1, budget=0.05, cycles=3)
    assert labeling.initial_counts(SIZES).tolist() == [2, 10_000, 1, 4, 4]
    assert labeling.budgets(SIZES).tolist() == [1, 5000, 1, 2, 2]


def test_counts_are_what_small_clients_have_of_them():
    labeling = Labeling(initial=20, budget=10, cycles=3)
    assert labeling.initial_counts(SIZES).tolist() == [3, 20, 1, 20, 20]
    assert labeling.budgets(SIZES).tolist() == [10] * 5
    labeling.check_sizes("x", SIZES)
    alone, short = labeling.notes("x", SIZES)
    assert alone.startswith("client 2 has a single labeled image, too few to train on")
    assert short.startswith("clients 0, 2, 3, 4 have fewer images than initial and 3 cycles of")


@given(
    size=st.integers(2, 500),
    extra=st.integers(0, 9),
    initial=st.floats(0.01, 0.5) | st.integers(2, 20),
    budget=st.floats(0.01, 0.5) | st.integers(1, 20),
)
def test_clients_that_differ_by_one_image_are_treated_alike(size, extra, initial, budget):
    """As it always was for equally large clients: the smallest decides."""
    sizes = np.array([size + 1] * extra + [size] * (10 - extra))
    labeling = Labeling(initial=initial, budget=budget, cycles=1)
    assert set(labeling.budgets(sizes)) == {amount(budget, size)}
    assert set(labeling.initial_counts(sizes)) == {min(size, max(2, amount(initial, size)))}
    assert not list(labeling.notes("x", sizes))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial": 1}, "labels 1 of the 50 images of the largest client"),
        ({"initial": 40, "budget": 20}, "asks for 100 images of the largest client"),
    ],
)
def test_unequal_sizes_that_do_not_suffice_even_for_the_largest_client(options, message):
    with pytest.raises(InputError, match=message):
        Labeling(**options).check_sizes("x", np.array([3, 50, 7]))


@given(
    sizes=st.lists(st.integers(1, 200), min_size=2, max_size=6),
    initial=st.floats(0.01, 0.5) | st.integers(2, 60),
    budget=st.floats(0.01, 0.5) | st.integers(1, 60),
    cycles=st.integers(0, 5),
)
def test_a_checked_labeling_lets_the_largest_client_query_in_every_cycle(
    sizes, initial, budget, cycles
):
    sizes = np.array(sizes)
    try:
        labeling = Labeling(initial=initial, budget=budget, cycles=cycles)
        labeling.check_sizes("x", sizes)
    except InputError:
        return
    labeled, budgets = labeling.initial_counts(sizes), labeling.budgets(sizes)
    assert labeled.max() >= 2
    for _ in range(cycles):
        assert (labeled < sizes).any()
        labeled = np.minimum(sizes, labeled + budgets)


def test_examples_that_have_a_label_come_first():
    parts = [np.arange(0, 6), np.arange(6, 12), np.arange(12, 15)]
    known = np.isin(np.arange(15), [1, 4, 6, 7, 8])
    first, second, third = initial_labels(parts, [3, 2, 2], 1, known)
    assert {1, 4} < set(first.tolist()) <= set(range(6))
    assert len(first) == 3
    assert second.tolist() == [6, 7, 8]
    assert np.array_equal(third, initial_labels(parts, [3, 2, 2], 1)[2])
