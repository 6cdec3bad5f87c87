from types import SimpleNamespace

import pytest
import torch

from fal.data import datasets
from fal.data.images import Images
from fal.data.partition import dirichlet_partition
from fal.errors import InputError
from fal.federated import algorithms, evaluation, models
from fal.federated.algorithms import effective_steps
from fal.federated.rounds import Rounds, train_rounds
from fal.federated.training import SGD, Cohort, num_steps
from fal.storage import load_state, save_state
from federations import difference, equal, fresh, make_cohort, make_images

NAMES = sorted(algorithms.ALGORITHMS)


def start(name, cohort, **options):
    algorithm = algorithms.create(name, **options)
    return algorithm, algorithm.init(fresh(cohort), len(cohort.examples))


def run(name, cohort, rounds=2, **options):
    algorithm, state = start(name, cohort, **options)
    *_, (_, end, _) = train_rounds(algorithm, cohort, state, Rounds(rounds, 0.05))
    return end


def test_fedavg_of_one_client_is_plain_sgd():
    cohort = make_cohort((12,))
    algorithm, state = start("fedavg", cohort)
    state, diagnostics = algorithm.apply(state, cohort, [0], 0, 0.05)
    trained, loss = make_cohort((12,)).train(fresh(cohort), [0], 0, 0.05)
    assert equal(state["global"], trained)
    assert equal(state["local"], trained)
    assert torch.equal(diagnostics["loss"], loss)


@pytest.mark.parametrize("clients", [[0, 1, 2], [0, 2]])
def test_fedavg_weighs_by_the_number_of_examples(clients):
    sizes = (4, 10, 6)
    cohort = make_cohort(sizes)
    algorithm, state = start("fedavg", cohort)
    state, _ = algorithm.apply(state, cohort, clients, 0, 0.05)
    ends, _ = make_cohort(sizes).train(fresh(cohort), clients, 0, 0.05)
    total = sum(sizes[k] for k in clients)
    for name, average in state["global"].items():
        expected = sum(sizes[k] / total * ends[name][i] for i, k in enumerate(clients))
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


def test_fedprox_is_the_gradient_of_its_penalty():
    mu = 0.7
    cohort = make_cohort(lockstep=8)
    algorithm, state = start("fedprox", cohort, mu=mu)
    hook = algorithm.hook(state, [0, 2])
    net = cohort.build(2, seed=8)
    parameters = dict(net.named_parameters())
    for p in parameters.values():
        p.grad = torch.ones_like(p)
    hook(parameters)
    for name, p in parameters.items():
        anchor = torch.cat([state["global"][name][0]] * 2)
        moved = p.detach().clone().requires_grad_()
        (mu / 2 * (moved - anchor).square().sum()).backward()
        torch.testing.assert_close(p.grad, 1 + moved.grad)


def test_fedprox_keeps_clients_near_the_global_model():
    def drift(mu):
        cohort = make_cohort(sgd=SGD(0.05, epochs=5, batch_size=4))
        algorithm, state = start("fedprox", cohort, mu=mu)
        state, _ = algorithm.apply(state, cohort, [0], 0, 0.05)
        moved = (state["local"][n][0] - w[0] for n, w in fresh(cohort).items() if "norm" not in n)
        return sum(d.square().sum() for d in moved)

    assert drift(5.0) < 0.5 * drift(0.01)


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
    sgd = SGD(1e-5, epochs=3, batch_size=10, momentum=momentum, weight_decay=0)
    cohort = make_cohort((10, 10), sgd=sgd, norm="group")
    algorithm, state = start("scaffold", cohort)
    state, _ = algorithm.apply(state, cohort, [0, 1], 0, 1e-5)
    for k in (0, 1):
        net = models.write(cohort.build(1, 0), fresh(cohort)).train()
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
        self.sgd = SGD(0.0, epochs=epochs, batch_size=2, momentum=momentum, weight_decay=0)
        self.examples = [torch.arange(2)] * len(center)
        self.sizes = torch.full((len(center),), 2)
        self.images = SimpleNamespace(device="cpu")
        self.seed, self.cycle = 0, 0

    @property
    def optimum(self):
        return (self.curvature * self.center).sum() / self.curvature.sum()

    def train(self, start, clients, round, learning_rate, hook):
        ends = []
        for k in clients:
            w = start["w"].clone().requires_grad_()
            optimizer = torch.optim.SGD([w], learning_rate, self.sgd.momentum)
            change = hook([k])
            for _ in range(num_steps(2, self.sgd.epochs, 2)):
                w.grad = self.curvature[k] * (w.detach() - self.center[k])
                if change:
                    change({"w": w})
                optimizer.step()
            ends.append(w.detach())
        return {"w": torch.cat(ends)}, torch.zeros(len(clients), dtype=torch.float64)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_scaffold_reaches_the_optimum_from_which_fedavg_drifts(momentum):
    cohort = Quadratics([1.0, 10.0, 3.0], [5.0, -2.0, 1.0], momentum)
    distance = {}
    for name in NAMES:
        algorithm = algorithms.create(name)
        state = algorithm.init({"w": torch.zeros(1, 1, dtype=torch.float64)}, 3)
        for r in range(80):
            state, _ = algorithm.apply(state, cohort, [0, 1, 2], r, 0.02)
        distance[name] = abs(state["global"]["w"] - cohort.optimum).item()
    assert distance["scaffold"] < 1e-6
    assert distance["fedavg"] > 0.05
    assert distance["fedprox"] > 0.05


def test_scaffold_with_momentum_stays_stable_for_a_hundred_rounds():
    digits = datasets.load("digits")
    images = Images(torch.from_numpy(digits.train_images), digits.mean, digits.std)
    labels = torch.from_numpy(digits.train_labels)
    parts = dirichlet_partition(digits.train_labels, 4, 0.1, seed=0)
    examples = [torch.from_numpy(part[:24]) for part in parts]
    cohort = Cohort(
        lambda stack, seed: models.build("cnn", images.shape, 10, seed=seed, stack=stack),
        *(images, labels, examples, SGD(0.01, epochs=2, batch_size=24)),
        **{"seed": 0, "cycle": 0, "lockstep": 4},
    )
    algorithm, first = start("scaffold", cohort)
    accuracy, variates = [], []
    for done, state, _ in train_rounds(algorithm, cohort, first, Rounds(100, 0.01)):
        if done % 20 == 0:
            net = models.write(cohort.stack(1), state["global"])
            accuracy.append(evaluation.accuracy(net, images, labels))
            variates.append(max(c.abs().max().item() for c in state["client"].values()))
    assert min(accuracy[2:]) > 60, "far above the 10% of guessing, and never lost again"
    assert max(variates) < 10, "variates are gradients: they must not grow with the rounds"


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_training_goes_on_as_if_nothing_had_happened(name, tmp_path):
    images = make_images(flip=True)
    whole = run(name, make_cohort(images=images), 3)
    cohort = make_cohort(images=images)
    algorithm, state = start(name, cohort)
    plan = Rounds(3, 0.05)
    done, state, _ = next(train_rounds(algorithm, cohort, state, plan))
    save_state(tmp_path / "state.safetensors", state)

    restored = load_state(tmp_path / "state.safetensors")
    rest = train_rounds(algorithms.create(name), make_cohort(images=images), restored, plan, done)
    *_, (done, state, _) = rest
    assert done == 3
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
        cohort = make_cohort()
        algorithm, state = start(name, cohort)
        losses = [
            diagnostics["loss"].mean()
            for _, _, diagnostics in train_rounds(algorithm, cohort, state, Rounds(8, 0.02))
        ]
        assert losses[-1] < 0.7 * losses[0]


def test_bad_algorithms_are_told():
    with pytest.raises(InputError, match="did you mean 'scaffold'"):
        algorithms.create("scafold")
    with pytest.raises(InputError, match="mu -1 is negative"):
        algorithms.create("fedprox", mu=-1)
