import copy
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from fal.federated import models
from fal.federated.batches import BatchOrder
from fal.federated.cohort import lockstep_width
from fal.federated.options import LocalTraining, decay, steps_per_epoch
from fal.federated.training import (
    GradientDescent,
    cross_entropy_of,
    doubtful_precision,
    train_epoch,
)
from fal.rng import torch_generator
from federated.cohorts import (
    CLASSES,
    difference,
    equal,
    fresh,
    make_cohort,
    make_images,
    network_of,
)


def plain_training(net, images, labels, examples, local, learning_rate, generator):
    """One client's share of a round with stock torch: clean loops, nothing drawn ahead."""
    optimizer = torch.optim.SGD(
        net.parameters(), learning_rate, local.momentum, weight_decay=local.weight_decay
    )
    orders = [torch.randperm(len(examples), generator=generator) for _ in range(local.epochs)]
    flips = [None] * local.epochs
    if images.flip:
        flips = torch.randint(
            2, (local.epochs, len(examples)), generator=generator, dtype=torch.bool
        )
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (images.mean, images.std))
    net.train()
    for order, flip in zip(orders, flips, strict=True):
        losses = []
        for start in range(0, len(order), local.batch_size):
            index = order[start : start + local.batch_size]
            if len(index) == 1:
                continue
            batch = []
            for offset, i in enumerate(index):
                image = images.pixels[examples[i]].permute(2, 0, 1).float() / 255
                if flip is not None and flip[start + offset]:
                    image = image.flip(2)
                batch.append((image - mean) / std)
            loss = F.cross_entropy(net(torch.stack(batch))[:, 0], labels[examples[index]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += [loss.item()] * len(index)
    return models.read(net), sum(losses) / len(losses)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", [10, 13])
def test_local_training_equals_a_plain_loop(flip, size):
    cohort = make_cohort((size, size), make_images(flip=flip))
    start = fresh(cohort)
    weights, losses = cohort.train(start, [0, 1], round_index=4, learning_rate=0.03)
    for k in (0, 1):
        generator = torch_generator(cohort.seed, "train", cycle=2, client=k, round_index=4)
        expected, loss = plain_training(
            network_of(cohort, start),
            *(cohort.images, cohort.labels, cohort.examples[k], cohort.local, 0.03, generator),
        )
        assert difference(models.row(weights, k), expected) < 2e-5
        assert losses[k].item() == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("sizes", [(10, 10, 10), (10, 7, 10)])
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_lockstep_equals_one_by_one(sizes, norm):
    images = make_images(channels=3, flip=True, crop_padding=1)
    runs = []
    for lockstep in (1, 8):
        cohort = make_cohort(sizes, images, norm=norm, lockstep=lockstep)
        runs.append(cohort.train(fresh(cohort), [0, 1, 2], round_index=0, learning_rate=0.05))
    (one, one_loss), (together, together_loss) = runs
    assert difference(one, together) < 1e-4
    torch.testing.assert_close(one_loss, together_loss, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_trains_as_a_cpu_does():
    torch.backends.cudnn.allow_tf32 = False
    trained = []
    for device in ("cpu", "cuda"):
        cohort = make_cohort(images=make_images(flip=True), lockstep=8, device=device)
        weights, _ = cohort.train(fresh(cohort), [0, 1, 2], round_index=0, learning_rate=0.05)
        trained.append({name: w.cpu() for name, w in weights.items()})
    assert difference(*trained) < 1e-3


@pytest.mark.parametrize("lockstep", [1, 8])
def test_the_order_of_clients_does_not_matter(lockstep):
    cohort = make_cohort((10, 7, 8), lockstep=lockstep)
    start = fresh(cohort)
    forward, _ = cohort.train(start, [0, 1, 2], 0, 0.05)
    backward, _ = cohort.train(start, [2, 1, 0], 0, 0.05)
    assert equal(models.row(forward, 0), models.row(backward, 2))
    assert equal(models.row(forward, 2), models.row(backward, 0))


@pytest.mark.parametrize(
    ("lockstep", "expected"),
    [
        (1, [[0], [2], [4], [1], [3]]),
        (2, [[0], [2, 4], [1, 3]]),
        (9, [[0, 2, 4], [1, 3]]),
    ],
)
def test_groups_are_of_equal_sizes_and_balanced(lockstep, expected):
    cohort = make_cohort((4, 3, 4, 3, 4), lockstep=lockstep)
    assert cohort.groups(range(5)) == expected


def test_tiny_images_train_together():
    assert lockstep_width(make_images(size=8)) > 1
    assert lockstep_width(make_images(size=32)) == 1


def test_training_again_gives_the_same_bits():
    first, _ = make_cohort().train(fresh(make_cohort()), [0, 1, 2], 0, 0.05)
    again, _ = make_cohort().train(fresh(make_cohort()), [0, 1, 2], 0, 0.05)
    assert equal(first, again)


@pytest.mark.parametrize("change", [{"seed": 6}, {"cycle": 3}, {}])
def test_batches_depend_on_seed_cycle_and_round(change):
    cohort, other = make_cohort(), make_cohort(**change)
    start = fresh(cohort)
    a, _ = cohort.train(start, [0], 0, 0.05)
    b, _ = other.train(start, [0], 0 if change else 1, 0.05)
    assert not equal(a, b)


def test_the_start_is_not_changed():
    cohort = make_cohort()
    start = fresh(cohort)
    before = copy.deepcopy(start)
    cohort.train(start, [0, 1], 0, 0.05)
    assert equal(start, before)


@pytest.mark.parametrize(
    ("examples", "batch", "steps"), [(8, 4, 2), (9, 4, 2), (10, 4, 3), (3, 4, 1), (1, 4, 0)]
)
def test_a_last_batch_of_one_example_is_left_out(examples, batch, steps):
    assert steps_per_epoch(examples, batch) == steps
    assert LocalTraining(epochs=3, batch_size=batch).num_steps(examples) == 3 * steps
    index = torch.arange(examples)[None]
    order = BatchOrder(make_images(), None, index, 1, batch, [torch.Generator()])
    sizes = [len(b.position) for b in order.batches(0)]
    assert len(sizes) == steps
    assert min(sizes, default=2) > 1


def test_every_epoch_visits_every_example_once():
    images = make_images()
    labels = torch.arange(len(images))
    examples = torch.stack([torch.arange(10), torch.arange(20, 30)])
    generators = [torch.Generator().manual_seed(s) for s in (0, 1)]
    order = BatchOrder(images, labels, examples, 3, 4, generators)
    orders = []
    for epoch in range(3):
        batches = list(order.batches(epoch))
        visited = torch.cat([batch.labels for batch in batches])
        position = torch.cat([batch.position for batch in batches])
        for s in (0, 1):
            assert sorted(visited[:, s].tolist()) == examples[s].tolist()
            assert torch.equal(examples[s][position[:, s]], visited[:, s])
        orders.append(visited)
    assert not torch.equal(orders[0], orders[1])


def test_cross_entropy_of_a_stack_is_each_network_s_own():
    logits, labels = torch.randn(5, 3, 4), torch.randint(4, (5, 3))
    losses = cross_entropy_of(logits, labels)
    for s in range(3):
        torch.testing.assert_close(losses[s], F.cross_entropy(logits[:, s], labels[:, s]))


def test_decay_comes_after_the_given_share():
    assert [decay(r, 100, 0.75, 0.1) for r in (0, 74, 75, 99)] == [1.0, 1.0, 0.1, 0.1]
    for percent in range(101):
        full = sum(decay(r, 100, percent / 100, 0.1) == 1 for r in range(100))
        assert full == percent


def test_each_epoch_has_its_own_learning_rate():
    cohort = make_cohort()
    net = network_of(cohort, fresh(cohort))
    optimizer = GradientDescent(net, cohort.local)
    examples, generators = cohort.examples[0][None], cohort.generators("train", [0])
    order = BatchOrder(cohort.images, cohort.labels, examples, 2, 4, generators)
    train_epoch(net, optimizer, order.batches(0), cohort.local, 0.05)
    before = {name: p.clone() for name, p in net.named_parameters()}
    train_epoch(net, optimizer, order.batches(1), cohort.local, 0.0)
    assert all(torch.equal(before[name], p) for name, p in net.named_parameters())


def test_bf16_stays_near_float32_and_keeps_float32_weights():
    exact, rounded = (
        make_cohort(local=LocalTraining(batch_size=4, precision=precision))
        for precision in ("float32", "bf16")
    )
    a, _ = exact.train(fresh(exact), [0], 0, 0.01)
    b, loss = rounded.train(fresh(exact), [0], 0, 0.01)
    assert loss.dtype == torch.float32
    assert all(w.dtype == torch.float32 for w in b.values())
    assert 0 < difference(a, b) < 0.05


def test_fresh_models_differ_between_clients_and_not_between_calls():
    cohort = make_cohort()
    weights = cohort.fresh_weights("distill", [0, 2])
    assert not equal(models.row(weights, 0), models.row(weights, 1))
    assert equal(models.row(weights, 1), cohort.fresh_weights("distill", [2]))
    assert weights["head.bias"].shape == (2, CLASSES)


def test_nothing_in_a_round_waits_for_the_device(monkeypatch):
    """On a GPU each of these would stop the host until the device has caught up."""

    def refuse(*_):
        raise AssertionError("a tensor's value was asked for inside the loop")

    cohort = make_cohort(images=make_images(flip=True, crop_padding=1), lockstep=8)
    start = fresh(cohort)
    cohort.stacks.get(3)
    for name in ("item", "tolist", "__bool__", "__float__", "__int__", "numpy", "cpu"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    cohort.train(start, [0, 1, 2], 0, 0.05)


def test_a_cohort_is_never_changed():
    cohort = make_cohort()
    with pytest.raises(FrozenInstanceError):
        cohort.unlabeled = []
    before = {field.name: getattr(cohort, field.name) for field in fields(cohort)}
    cohort.train(fresh(cohort), [0, 1, 2], 0, 0.05)
    assert all(getattr(cohort, name) is value for name, value in before.items())


def test_networks_of_different_roles_are_different():
    stacks = make_cohort().stacks
    assert stacks.get(1) is stacks.get(1)
    assert stacks.get(1) is not stacks.get(1, "teacher")
    assert stacks.get(1) is not stacks.get(2)
    assert stacks.fresh(1, 0) is not stacks.fresh(1, 0)


def test_a_training_does_without_torchs_compiler():
    code = (
        "import sys; from federated.cohorts import make_cohort, fresh; cohort = make_cohort();"
        "cohort.train(fresh(cohort), [0], 0, 0.1); sys.exit('torch._dynamo' in sys.modules)"
    )
    tests = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=tests, check=False).returncode == 0


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="asks Linux what the CPU can do")
def test_a_cpu_without_instructions_for_bf16_is_warned_of():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    if not flags:
        pytest.skip("this CPU does not say what it can do")
    able = {"avx512bw", "avx512dq", "avx512vl"} <= flags or "avx_ne_convert" in flags
    sentence = doubtful_precision("bf16", "cpu")
    assert sentence is None if able else "training.precision is bf16" in sentence
    assert doubtful_precision("float32", "cpu") is None
