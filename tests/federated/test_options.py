"""The sections that say how models are trained."""

import subprocess
import sys

import pytest

from fal.errors import InputError
from fal.federated.options import Distillation, Training
from fal.options import parse


def test_the_learning_rate_falls_after_three_quarters_of_the_rounds():
    training = Training(rounds=100, learning_rate=0.01)
    assert [training.rate(r) for r in (0, 74)] == [0.01, 0.01]
    assert training.rate(75) == training.rate(99) == pytest.approx(0.001)


def test_the_learning_rate_falls_after_three_quarters_of_the_epochs():
    options = Distillation()
    assert [options.rate(e) for e in (0, 374)] == [0.01, 0.01]
    assert options.rate(375) == pytest.approx(0.001)


@pytest.mark.parametrize(("share", "count"), [(1.0, 10), (0.5, 5), (0.25, 3), (0.01, 1)])
def test_participants_are_distinct_clients_of_the_given_number(share, count):
    training = Training(rounds=50, participation=share)
    draws = [training.participants(10, seed=1, cycle=0, round_index=r) for r in range(50)]
    for clients in draws:
        assert len(clients) == len(set(clients)) == count
        assert clients == sorted(clients)
        assert set(clients) <= set(range(10))
    assert set().union(*draws) == set(range(10))
    assert draws == [training.participants(10, seed=1, cycle=0, round_index=r) for r in range(50)]


def test_participants_change_with_round_and_seed():
    training = Training(rounds=50, participation=0.5)
    assert len({tuple(training.participants(20, 1, 0, r)) for r in range(10)}) > 5
    assert training.participants(20, 1, 0, 0) != training.participants(20, 2, 0, 0)


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_who_is_never_trained_follows_from_the_rounds(share):
    training = Training(rounds=4, participation=share)
    for seed in range(5):
        rounds = [training.participants(10, seed, 3, r) for r in range(4)]
        absent = [k for k in range(10) if not any(k in clients for clients in rounds)]
        assert training.never_trained(10, seed, 3) == absent
        assert bool(absent) == (share < 1)


@pytest.mark.parametrize(
    ("every", "tested"), [(0, [7]), (1, [1, 2, 3, 4, 5, 6, 7]), (3, [3, 6, 7]), (9, [7])]
)
def test_the_last_round_is_always_evaluated(every, tested):
    training = Training(rounds=7, evaluate_every=every)
    assert [done for done in range(1, 8) if training.evaluates(done)] == tested


def test_a_client_s_share_of_a_round_follows_the_section():
    training = Training(local_epochs=3, batch_size=8, momentum=0.5, precision="bf16")
    local = training.local
    assert (local.epochs, local.batch_size, local.momentum) == (3, 8, 0.5)
    assert local.weight_decay == training.weight_decay
    assert local.precision == "bf16"


def test_a_distillation_takes_what_it_lacks_from_the_training():
    local = Distillation(epochs=7, batch_size=8).local(
        momentum=0.5, weight_decay=0.1, precision="bf16"
    )
    assert (local.epochs, local.batch_size) == (7, 8)
    assert (local.momentum, local.weight_decay, local.precision) == (0.5, 0.1, "bf16")


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (Training, {"rounds": 0}, "rounds is 0, but must be a whole number of at least 1"),
        (Training, {"batch_size": 1}, "batch_size is 1, but must be a whole number of at least 2"),
        (Training, {"momentum": 1.0}, "momentum is 1.0, but must be a number of at least 0 and"),
        (Training, {"participation": 0}, "participation is 0, but must be a number above 0"),
        (Training, {"precision": "fp16"}, "precision is .*, which is unknown; did you mean 'bf16'"),
        (Training, {"learning_rat": 1}, "did you mean 'learning_rate'"),
        (Distillation, {"weight": 1.5}, "weight is 1.5, but must be a number of at least 0 and"),
        (Distillation, {"restore_best": 1}, "restore_best is 1, but must be true or false"),
        (Distillation, {"patience": 0.5}, "patience is 0.5, but must be a whole number"),
    ],
)
def test_unusable_values_are_told(kind, given, message):
    with pytest.raises(InputError, match=message):
        parse(kind, given, "training", "")


def test_asking_for_options_is_cheap():
    code = (
        "import sys; from fal.federated import options; "
        "from fal.federated.algorithms import ALGORITHMS; "
        "from fal.federated.networks import NETWORKS; "
        "[registry.find(name) for registry in (ALGORITHMS, NETWORKS) for name in registry]; "
        "print({'torch', 'sklearn', 'pandas', 'pydantic', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
