import math
from types import SimpleNamespace

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from fal.data.images import Images
from fal.data.partition import dirichlet_partition
from fal.errors import InputError
from fal.federated import algorithms, evaluation, models, networks
from fal.federated.algorithms.local_only import LocalOnly
from fal.federated.algorithms.scaffold import effective_steps
from fal.federated.checkpoint import Checkpoint
from fal.federated.cohort import Cohort
from fal.federated.models import Stacks
from fal.federated.networks.base import Network
from fal.federated.options import LocalTraining, Training
from federated.cohorts import (
    Killed,
    KilledAfter,
    builder,
    difference,
    equal,
    fresh,
    make_cohort,
    make_images,
    network_of,
    train,
)

NAMES = sorted(algorithms.ALGORITHMS)


def start(name, cohort, **options):
    algorithm = algorithms.create(name, **options)
    return algorithm, algorithm.init(fresh(cohort), len(cohort.examples))


def run(name, cohort, rounds=2, **options):
    state, _ = train(algorithms.create(name, **options), cohort, rounds)
    return state


def test_fedavg_of_one_client_is_plain_sgd():
    cohort = make_cohort((12,))
    algorithm, state = start("fedavg", cohort)
    state, diagnostics = algorithm.apply(state, cohort, [0], 0, 0.05)
    trained, loss = make_cohort((12,)).train(fresh(cohort), [0], 0, 0.05)
    assert equal(state["global"], trained)
    assert equal(state["local"], trained)
    assert torch.equal(diagnostics["loss"], loss)


def test_local_only_trains_each_client_as_if_it_were_the_only_one():
    sizes = (4, 10, 10)
    state, _ = train(LocalOnly(), make_cohort(sizes, lockstep=2), 3)
    assert equal(state["global"], fresh(make_cohort(sizes)))
    assert LocalOnly().traffic(state) == {"down": 0, "up": 0}
    apart = difference(models.row(state["local"], 1), models.row(state["local"], 2))
    for k in range(3):
        alone = make_cohort(sizes)
        weights = fresh(alone)
        for round_index in range(3):
            weights, _ = alone.train(weights, [k], round_index, 0.05)
        assert difference(models.row(state["local"], k), weights) < 1e-4 < apart / 100


def test_who_does_not_take_part_alone_stays_as_it_is():
    cohort = make_cohort()
    before = LocalOnly().init(fresh(cohort), 3)
    after, _ = LocalOnly().apply(before, cohort, [2, 0], 0, 0.05)
    for k in range(3):
        same = equal(models.row(before["local"], k), models.row(after["local"], k))
        assert same == (k == 1)


@pytest.mark.parametrize("clients", [[0, 1, 2], [0, 2]])
def test_fedavg_weighs_by_the_number_of_examples(clients):
    sizes = (4, 10, 6)
    cohort = make_cohort(sizes)
    algorithm, state = start("fedavg", cohort)
    state, _ = algorithm.apply(state, cohort, clients, 0, 0.05)
    local, _ = make_cohort(sizes).train(fresh(cohort), clients, 0, 0.05)
    total = sum(sizes[k] for k in clients)
    for name, average in state["global"].items():
        expected = sum(sizes[k] / total * local[name][i] for i, k in enumerate(clients))
        torch.testing.assert_close(average[0], expected)
    assert "backbone.0.norm.running_mean" in state["global"]


def test_who_takes_no_part_keeps_its_local_model():
    cohort = make_cohort()
    algorithm, state = start("fedavg", cohort)
    new, _ = algorithm.apply(state, cohort, [0, 2], 0, 0.05)
    assert equal(models.row(new["local"], 1), fresh(cohort))
    assert not equal(models.row(new["local"], 0), fresh(cohort))


@pytest.mark.parametrize("lockstep", [1, 8])
def test_fedprox_without_mu_is_fedavg(lockstep):
    a, b = (
        run(name, make_cohort(lockstep=lockstep), **options)
        for name, options in (("fedavg", {}), ("fedprox", {"mu": 0}))
    )
    assert equal(a["global"], b["global"])
    assert equal(a["local"], b["local"])


class WithScale(nn.Module):
    """Features of pixels, times a parameter without dimensions."""

    def __init__(self, features):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.layer = nn.Linear(features, 4)

    def forward(self, images):
        return self.scale * self.layer(images.flatten(1))


class Scaled(Network):
    def backbone(self, image_shape):
        return WithScale(math.prod(image_shape)), 4


@pytest.mark.parametrize(("name", "options"), [("fedprox", {"mu": 0}), ("scaffold", {})])
def test_a_parameter_without_dimensions_trains_as_by_fedavg(name, options):
    other, fedavg = (
        run(which, make_cohort(network=Scaled(), lockstep=1), 1, **more)
        for which, more in ((name, options), ("fedavg", {}))
    )
    assert other["global"]["backbone.scale"].shape == (1,)
    assert equal(other["local"], fedavg["local"])


def test_fedprox_is_the_gradient_of_its_penalty():
    mu = 0.7
    cohort = make_cohort(lockstep=8)
    algorithm, state = start("fedprox", cohort, mu=mu)
    correction = algorithm.gradient_correction(state, [0, 2])
    net = cohort.stacks.fresh(2, seed=8)
    parameters = dict(net.named_parameters())
    for p in parameters.values():
        p.grad = torch.ones_like(p)
    correction(parameters)
    for name, p in parameters.items():
        anchor = torch.cat([state["global"][name][0]] * 2)
        moved = p.detach().clone().requires_grad_()
        (mu / 2 * (moved - anchor).square().sum()).backward()
        torch.testing.assert_close(p.grad, 1 + moved.grad)


def test_fedprox_keeps_clients_near_the_global_model():
    def displacement(mu):
        cohort = make_cohort(local=LocalTraining(epochs=5, batch_size=4))
        algorithm, state = start("fedprox", cohort, mu=mu)
        state, _ = algorithm.apply(state, cohort, [0], 0, 0.05)
        moved = (state["local"][n][0] - w[0] for n, w in fresh(cohort).items() if "norm" not in n)
        return sum(d.square().sum() for d in moved)

    assert displacement(5.0) < 0.5 * displacement(0.01)


@pytest.mark.parametrize("lockstep", [1, 8])
def test_scaffold_begins_as_fedavg(lockstep):
    a, b = (run(name, make_cohort(lockstep=lockstep), 1) for name in ("fedavg", "scaffold"))
    assert equal(a["global"], b["global"])
    assert equal(a["local"], b["local"])
    later = run("scaffold", make_cohort(lockstep=lockstep), 2)
    assert not equal(later["global"], run("fedavg", make_cohort(lockstep=lockstep), 2)["global"])


@pytest.mark.parametrize("rounds", [1, 3])
def test_the_server_s_variate_is_the_mean_of_the_clients(rounds):
    state = run("scaffold", make_cohort((10, 6, 8)), rounds)
    assert not any("running" in name for name in state["server"])
    for name, variate in state["server"].items():
        torch.testing.assert_close(variate[0], state["client"][name].mean(0), rtol=1e-4, atol=1e-5)


def test_variates_of_absent_clients_stay():
    cohort = make_cohort()
    algorithm, state = start("scaffold", cohort)
    state, _ = algorithm.apply(state, cohort, [0, 1, 2], 0, 0.05)
    new, _ = algorithm.apply(state, cohort, [0, 1], 1, 0.05)
    assert equal(models.row(new["client"], 2), models.row(state["client"], 2))
    for name, variate in new["server"].items():
        torch.testing.assert_close(variate[0], new["client"][name].mean(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("steps", [1, 2, 17])
def test_effective_steps_are_what_sgd_moves(steps, momentum):
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], 0.1, momentum)
    for _ in range(steps):
        weight.grad = torch.ones(1, dtype=torch.float64)
        optimizer.step()
    assert -weight.item() == pytest.approx(0.1 * effective_steps(steps, momentum))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_first_variates_are_the_clients_mean_gradients(momentum):
    """With a vanishing learning rate the gradient is the same in all steps of the round."""
    local = LocalTraining(epochs=3, batch_size=10, momentum=momentum, weight_decay=0)
    cohort = make_cohort((10, 10), local=local, norm="group")
    algorithm, state = start("scaffold", cohort)
    state, _ = algorithm.apply(state, cohort, [0, 1], 0, 1e-5)
    for k in (0, 1):
        net = network_of(cohort, fresh(cohort)).train()
        index = cohort.examples[k][:, None]
        logits = net(cohort.images.batch(index))[:, 0]
        torch.nn.functional.cross_entropy(logits, cohort.labels[index[:, 0]]).backward()
        for name, parameter in net.named_parameters():
            if ".norm." in name:  # of size 1: such small steps are lost to rounding
                continue
            error = (state["client"][name][k] - parameter.grad).norm()
            assert error < 0.05 * parameter.grad.norm()


class Quadratics:
    """Clients that minimize a_k/2 (w - m_k)^2 in float64, with the interface of a cohort."""

    def __init__(self, curvature, center, momentum, epochs=10):
        self.curvature, self.center = torch.tensor(curvature), torch.tensor(center)
        self.local = LocalTraining(epochs=epochs, batch_size=2, momentum=momentum, weight_decay=0)
        self.examples = [torch.arange(2)] * len(center)
        self.sizes = torch.full((len(center),), 2)
        self.images = SimpleNamespace(device="cpu")
        self.seed, self.cycle = 0, 0

    @property
    def optimum(self):
        return (self.curvature * self.center).sum() / self.curvature.sum()

    def train(self, start, clients, round_index, learning_rate, correction):
        local = []
        for k in clients:
            w = start["w"].clone().requires_grad_()
            optimizer = torch.optim.SGD([w], learning_rate, self.local.momentum)
            correct = correction([k])
            for _ in range(self.local.num_steps(2)):
                w.grad = self.curvature[k] * (w.detach() - self.center[k])
                if correct:
                    correct({"w": w})
                optimizer.step()
            local.append(w.detach())
        return {"w": torch.cat(local)}, torch.zeros(len(clients), dtype=torch.float64)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_scaffold_reaches_the_optimum_from_which_fedavg_drifts(momentum):
    cohort = Quadratics([1.0, 10.0, 3.0], [5.0, -2.0, 1.0], momentum)
    distance = {}
    for name in NAMES:
        algorithm = algorithms.create(name)
        state = algorithm.init({"w": torch.zeros(1, 1, dtype=torch.float64)}, 3)
        for r in range(60):
            state, _ = algorithm.apply(state, cohort, [0, 1, 2], r, 0.02)
        distance[name] = abs(state["global"]["w"] - cohort.optimum).item()
    assert distance["scaffold"] < 1e-6
    assert distance["fedavg"] > 0.05
    assert distance["fedprox"] > 0.05


def test_scaffold_with_momentum_stays_stable_for_a_hundred_rounds():
    digits = load_digits()
    pixels = torch.from_numpy(digits.images * (255 / 16)).round().byte()[..., None]
    images, tested = (Images(part, [0.3], [0.37]) for part in (pixels, pixels[::6]))
    labels = torch.from_numpy(digits.target)
    parts = dirichlet_partition(digits.target, 4, 0.1, seed=0)
    training = Training(rounds=20, local_epochs=2, batch_size=24)
    cohort = Cohort(
        stacks=Stacks(builder(networks.create("cnn"), images.shape, 10), "cpu"),
        images=images,
        labels=labels,
        examples=[torch.from_numpy(part[:24]) for part in parts],
        local=training.local,
        seed=0,
        cycle=0,
        lockstep=4,
    )
    algorithm, state = start("scaffold", cohort)
    accuracy, variates = [], []
    for round_index in range(100):
        rate = 0.01 if round_index < 75 else 0.001
        state, _ = algorithm.apply(state, cohort, range(4), round_index, rate)
        if round_index % 20 == 19:
            net = cohort.stacks.get(1)
            accuracy.append(evaluation.accuracy(net, state["global"], tested, labels[::6]))
            variates.append(max(c.abs().max().item() for c in state["client"].values()))
    assert min(accuracy[2:]) > 60, "far above the 10% of guessing, and never lost again"
    assert max(variates) < 10, "variates are gradients: they must not grow with the rounds"


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_training_goes_on_as_if_nothing_had_happened(name, tmp_path):
    images = make_images(flip=True)
    algorithm = algorithms.create(name)
    whole, whole_history = train(algorithm, make_cohort(images=images, lockstep=8), 3)
    checkpoint = Checkpoint(tmp_path / "state", {"algorithm": name}, 0)
    with pytest.raises(Killed):
        cohort = make_cohort(images=images, lockstep=8)
        train(algorithm, cohort, 3, checkpoint=checkpoint, progress=KilledAfter(1))

    again = Checkpoint(tmp_path / "state", {"algorithm": name}, 0)
    cohort = make_cohort(images=images, lockstep=8)
    state, history = train(algorithm, cohort, 3, checkpoint=again)
    assert [row["train_loss"] for row in history] == [row["train_loss"] for row in whole_history]
    assert whole.keys() == state.keys()
    assert all(equal(whole[part], state[part]) for part in whole)


@pytest.mark.parametrize("name", NAMES)
def test_lockstep_changes_results_by_rounding_only(name):
    a, b = (run(name, make_cohort(lockstep=lockstep), 2) for lockstep in (1, 8))
    assert difference(a["global"], b["global"]) < 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_states_are_not_changed_in_place(name):
    cohort = make_cohort()
    algorithm, state = start(name, cohort)
    state, _ = algorithm.apply(state, cohort, [0, 1, 2], 0, 0.05)
    before = {part: {n: w.clone() for n, w in weights.items()} for part, weights in state.items()}
    algorithm.apply(state, cohort, [0, 2], 1, 0.05)
    assert all(equal(before[part], state[part]) for part in state)


def test_training_lowers_the_loss():
    for name in NAMES:
        cohort = make_cohort(lockstep=8)
        _, history = train(algorithms.create(name), cohort, 8, 0.02)
        assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]


def test_bad_algorithms_are_told():
    with pytest.raises(InputError, match="did you mean 'scaffold'"):
        algorithms.create("scafold")
    with pytest.raises(InputError, match="mu is -1, but must be a number of at least 0"):
        algorithms.create("fedprox", mu=-1)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_told(name):
    with pytest.raises(InputError, match=f"algorithm '{name}' has no option 'nu'"):
        algorithms.create(name, nu=1)
