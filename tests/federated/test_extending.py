"""An algorithm and a network of one's own, from files outside the project."""

import shutil
from pathlib import Path

import pytest
import torch

from fal.errors import InputError
from fal.federated import algorithms, models, networks
from federated.cohorts import equal, fresh, make_cohort, train

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def copy(tmp_path):
    """A function that copies an example elsewhere and returns where it is."""
    return lambda name: shutil.copy(EXAMPLES / name, tmp_path)


def test_server_momentum_is_its_definition(copy):
    method = f"{copy('own_algorithm.py')}:FedAvgM"
    algorithm = algorithms.create(method, momentum=0.5)
    cohort, plain = make_cohort(), algorithms.create("fedavg")
    state = algorithm.init(fresh(cohort), 3)
    velocity = {name: torch.zeros_like(w) for name, w in state["velocity"].items()}
    assert not any("running" in name for name in velocity)
    for round_index in range(3):
        mean = plain.apply(state, cohort, [0, 1, 2], round_index, 0.05)[0]["global"]
        new, _ = algorithm.apply(state, cohort, [0, 1, 2], round_index, 0.05)
        for name, w in state["global"].items():
            if name in velocity:
                velocity[name] = 0.5 * velocity[name] + (w - mean[name])
                torch.testing.assert_close(new["global"][name], w - velocity[name])
            else:
                assert torch.equal(new["global"][name], mean[name])
        state = new


def test_server_momentum_of_zero_is_fedavg(copy):
    method = f"{copy('own_algorithm.py')}:FedAvgM"
    own, _ = train(algorithms.create(method, momentum=0.0), make_cohort())
    plain, _ = train(algorithms.create("fedavg"), make_cohort())
    for name, w in plain["global"].items():
        torch.testing.assert_close(own["global"][name], w)


def test_options_of_an_own_algorithm_are_checked(copy):
    method = f"{copy('own_algorithm.py')}:FedAvgM"
    assert list(algorithms.ALGORITHMS.options_of(method)) == ["momentum"]
    with pytest.raises(InputError, match=r"momentum is 1\.5, but must be"):
        algorithms.create(method, momentum=1.5)
    with pytest.raises(InputError, match="no option 'mu'"):
        algorithms.create(method, mu=1.0)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_an_own_network_trains_in_lockstep(copy, norm):
    network = networks.create(f"{copy('own_network.py')}:MLP", hidden=16, norm=norm)
    assert models.stacks_exactly(network, (1, 8, 8))
    results = []
    for lockstep in (1, 8):
        cohort = make_cohort(network=network, lockstep=lockstep)
        assert cohort.stacks.fresh(1, 0).head.in_features == 16
        results.append(cohort.train(fresh(cohort), [0, 1, 2], 0, 0.05)[0])
    for name, w in results[0].items():
        torch.testing.assert_close(results[1][name], w, rtol=1e-3, atol=1e-4)
    assert not equal(models.row(results[0], 0), models.row(results[0], 1))


def test_own_network_and_algorithm_train_together(copy):
    network = networks.create(f"{copy('own_network.py')}:MLP", hidden=16)
    algorithm = algorithms.create(f"{copy('own_algorithm.py')}:FedAvgM", momentum=0.5)
    _, history = train(algorithm, make_cohort(network=network), 6, 0.02)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
