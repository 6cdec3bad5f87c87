"""Clients of a single image beside clients of many."""

import pytest
import torch

from fal.data.labeling import Labeling
from fal.errors import InputError
from fal.federated import algorithms, models
from fal.federated.algorithms import ALGORITHMS
from fal.federated.distillation import distill
from fal.federated.kcfu import kcfu
from fal.federated.options import Distillation, Training, idle_clients
from fal.query import strategies
from fal.query.clients import query_clients
from fal.query.strategies.contract import example_pool
from federated.cohorts import difference, equal, fresh, make_cohort, make_images, train

SIZES = (1, 2, 3, 33, 0, 5, 9)


def test_who_is_idle():
    assert idle_clients(SIZES) == make_cohort(SIZES).idle == [0, 4]
    with pytest.raises(InputError, match="no client has more than one labeled image"):
        make_cohort((1, 1, 0))


@pytest.mark.parametrize("participation", [1.0, 0.5])
def test_idle_clients_are_never_drawn(participation):
    training = Training(rounds=30, participation=participation)
    drawn = [training.participants(7, 3, 1, r, idle=[0, 4]) for r in range(30)]
    assert {k for clients in drawn for k in clients} == {1, 2, 3, 5, 6}
    assert {len(clients) for clients in drawn} == {5 if participation == 1 else 3}
    assert training.never_trained(7, 3, 1, idle=[0, 4]) == [0, 4]
    everybody = [training.participants(7, 3, 1, r, idle=[]) for r in range(30)]
    assert everybody == [training.participants(7, 3, 1, r) for r in range(30)]


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_the_global_model_is_that_of_those_who_train(name):
    cohort = make_cohort(SIZES)
    state, history = train(algorithms.create(name), cohort)
    assert all(w.isfinite().all() for w in state["global"].values())
    assert all(row["train_loss"] > 0 for row in history)
    for k in cohort.idle:
        assert equal(models.row(state["local"], k), fresh(cohort))


def test_the_mean_is_weighted_by_labeled_images():
    cohort = make_cohort(SIZES)
    state, _ = train(algorithms.create("fedavg"), cohort, rounds=1)
    expected = {
        name: sum(SIZES[k] * w[k] for k in (1, 2, 3, 5, 6)) / sum(SIZES[k] for k in (1, 2, 3, 5, 6))
        for name, w in state["local"].items()
    }
    for name, w in state["global"].items():
        torch.testing.assert_close(w[0], expected[name])


@pytest.mark.parametrize("objective", [{}, {"objective": kcfu}])
def test_lockstep_makes_no_difference(objective):
    images = make_images(80)
    rest = list(torch.arange(sum(SIZES), 80)[:20].split([2, 2, 4, 1, 3, 4, 4]))
    alone, together = (
        train(
            algorithms.create("fedavg"),
            make_cohort(SIZES, images, lockstep=width, unlabeled=rest, **objective),
        )[0]
        for width in (1, 8)
    )
    assert difference(alone["global"], together["global"]) < 1e-4


def test_the_teacher_stands_in_for_a_student_that_has_nothing_to_learn_from():
    cohort = make_cohort(SIZES)
    teacher = fresh(cohort)
    weights, epochs = distill(cohort, teacher, range(len(SIZES)), Distillation(epochs=2))
    assert [k for k, count in epochs.items() if count == 0] == [0, 4]
    for k in range(len(SIZES)):
        assert equal(models.row(weights, k), teacher) == (k in (0, 4))


@pytest.mark.parametrize("name", ["random", "g-entropy", "g-badge", "l-coreset", "logo", "ifal"])
def test_budgets_of_their_own_and_pools_of_a_single_image_or_none(name):
    sizes = torch.tensor([3, 40, 12, 9]).numpy()
    labeling = Labeling(initial=0.3, budget=0.2, cycles=1)
    counts = labeling.initial_counts(sizes)
    pools = [
        example_pool(client=k, clients=4, labeled=int(known), unlabeled=int(size - known))
        for k, (size, known) in enumerate(zip(sizes, [3, 12, 11, 3], strict=True))
    ]
    found = query_clients(strategies.create(name), pools, labeling.budgets(sizes), 1, name)
    assert counts.tolist() == [2, 12, 4, 3]
    assert found.queried["client"].value_counts().to_dict() == {1: 8, 2: 1, 3: 2}
    assert set(found.scores["client"]) == {1, 2, 3}
