import math
from dataclasses import replace

import pytest
import torch

from fal.data.augmentation import Augmentation
from fal.federated import kcfu as module
from fal.federated.algorithms.fedavg import FedAvg
from fal.federated.batches import Batch
from fal.federated.kcfu import (
    balanced_softmax_loss,
    class_counts,
    compensation_loss,
    compensation_weights,
    kcfu,
    mix,
    mixed_batches,
)
from fal.federated.options import LocalTraining
from federated.cohorts import (
    CLASSES,
    difference,
    equal,
    fresh,
    make_cohort,
    make_images,
    network_of,
    train,
)


def make_kcfu_cohort(sizes=(10, 10), others=(14, 14), **options):
    images = options.pop("images", make_images(flip=True))
    cohort = make_cohort(sizes, images, objective=kcfu, **options)
    used = set(torch.cat(cohort.examples).tolist())
    free = torch.tensor([i for i in range(len(images)) if i not in used])
    return replace(cohort, unlabeled=free[: sum(others)].split(others))


def test_the_balanced_softmax_weighs_exponentials_by_class_counts():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 2, 3, generator=generator)
    counts = torch.tensor([[4.0, 1.0, 5.0], [7.0, 3.0, 0.0]])
    labels = torch.tensor([[0, 1], [1, 0], [2, 0], [2, 1], [0, 1]])
    losses = balanced_softmax_loss(logits, labels, counts)
    for s in range(2):
        total = 0.0
        for z, y in zip(logits[:, s].tolist(), labels[:, s].tolist(), strict=True):
            weighed = [n * math.exp(v) for n, v in zip(counts[s].tolist(), z, strict=True)]
            total -= math.log(weighed[y] / sum(weighed))
        assert losses[s].item() == pytest.approx(total / 5, rel=1e-5)


def test_a_class_without_labels_gets_no_gradient_and_no_nan():
    logits = torch.randn(4, 1, 3, requires_grad=True)
    labels = torch.tensor([[0], [1], [0], [1]])
    balanced_softmax_loss(logits, labels, torch.tensor([[2.0, 2.0, 0.0]])).sum().backward()
    assert logits.grad.isfinite().all()
    assert (logits.grad[..., 2] == 0).all()


def test_weights_are_inverse_to_counts():
    counts = torch.tensor([[1.0, 2.0, 4.0], [0.0, 5.0, 5.0]])
    expected = torch.tensor([[4 / 7, 2 / 7, 1 / 7], [0.0, 0.5, 0.5]])
    torch.testing.assert_close(compensation_weights(counts), expected)


def test_the_compensation_loss_is_the_weighted_divergence():
    generator = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, 4, 2, 3, generator=generator)
    weights = torch.rand(4, 2, generator=generator)
    losses = compensation_loss(student, teacher, weights)
    for s in range(2):
        total = 0.0
        for b in range(4):
            p, q = teacher[b, s].softmax(0).tolist(), student[b, s].softmax(0).tolist()
            kl = sum(x * math.log(x / y) for x, y in zip(p, q, strict=True))
            total += weights[b, s].item() * kl / 3
        assert losses[s].item() == pytest.approx(total / 4, rel=1e-4)


def test_mixing_pairs_each_row_with_the_one_before_it():
    values = torch.tensor([[1.0], [10.0], [100.0]])
    share = torch.tensor([[0.5], [0.9], [1.0]])
    torch.testing.assert_close(mix(values, share), torch.tensor([[50.5], [9.1], [100.0]]))


def test_class_counts_see_labeled_images_only():
    cohort = make_kcfu_cohort()
    counts = class_counts(cohort, [1, 0], CLASSES)
    for row, k in enumerate([1, 0]):
        labels = cohort.labels[cohort.examples[k]].tolist()
        assert counts[row].tolist() == [labels.count(c) for c in range(CLASSES)]


def test_mixed_batches_are_as_many_as_steps_and_hold_unlabeled_images():
    cohort = make_kcfu_cohort(sizes=(14, 14), others=(7, 7), images=make_images())
    batches = list(mixed_batches(cohort, [0, 1], 3))
    assert len(batches) >= cohort.local.num_steps(14)
    pixels = cohort.images.batch(torch.cat(cohort.unlabeled)[:, None]).flatten(1)
    for images, share in batches:
        assert images.shape == (len(share), 2, 1, 8, 8)
        assert ((share > 0) & (share < 1)).all()
        # every mixture lies between two of the unlabeled images
        low, high = pixels.min(0).values - 1e-5, pixels.max(0).values + 1e-5
        assert (images.flatten(2) >= low).all()
        assert (images.flatten(2) <= high).all()


def test_shares_are_drawn_from_beta_2_2():
    images = make_images(1200)
    local = LocalTraining(epochs=8, batch_size=4)
    cohort = make_kcfu_cohort((400,), (800,), images=images, local=local)
    shares = torch.cat([share for _, share in mixed_batches(cohort, [0], 1)])
    assert shares.mean().item() == pytest.approx(0.5, abs=0.02)
    assert shares.var().item() == pytest.approx(1 / 20, rel=0.1)


def test_the_objective_equals_its_definition(monkeypatch):
    cohort = make_kcfu_cohort()
    start = fresh(cohort, 11)
    net = network_of(cohort, fresh(cohort, 12)).train()
    reference = network_of(cohort, fresh(cohort, 12)).train()
    teacher = network_of(cohort, start).eval()

    index = cohort.examples[0][:4, None]
    batch = Batch(cohort.images.batch(index), cohort.labels[index], index * 0, Augmentation())
    loss = kcfu(cohort, [0], start, 1)(net, batch)

    images, share = next(mixed_batches(cohort, [0], 1))
    counts = class_counts(cohort, [0], CLASSES)[0]
    logits = reference(batch.images)[:, 0] + counts.log()
    expected = torch.nn.functional.cross_entropy(logits, batch.labels[:, 0])
    with torch.no_grad():
        imitated = teacher(images[:, 0])[:, 0]
    student = reference(images[:, 0])[:, 0]
    inverse = [1 / n if n > 0 else 0 for n in counts.tolist()]
    weight = [inverse[c] / sum(inverse) for c in imitated.argmax(1)]
    for b in range(len(images)):
        p, q = imitated[b].softmax(0), student[b].softmax(0)
        kl = sum(p * (p / q).log()) / CLASSES
        beta = share[b, 0]
        expected = expected + (beta * weight[b] + (1 - beta) * weight[b - 1]) * kl / len(images)
    torch.testing.assert_close(loss[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("others", [(14, 14), (1, 1)])
def test_the_first_round_has_no_compensation(others, monkeypatch):
    cohort = make_kcfu_cohort(others=others)
    monkeypatch.setattr(module, "mixed_batches", None)
    cohort.train(fresh(cohort), [0, 1], 0, 0.05)
    if others == (1, 1):
        cohort.train(fresh(cohort), [0, 1], 1, 0.05)


def test_hidden_labels_change_nothing():
    results = []
    for hidden in (0, 2):
        cohort = make_kcfu_cohort()
        cohort.labels[torch.cat(cohort.unlabeled)] = hidden
        results.append(cohort.train(fresh(cohort), [0, 1], 2, 0.05)[0])
    assert equal(*results)


@pytest.mark.parametrize("others", [(14, 14), (14, 11)])
def test_lockstep_equals_one_by_one(others):
    results = []
    for lockstep in (1, 8):
        cohort = make_kcfu_cohort(others=others, lockstep=lockstep)
        assert len(cohort.groups([0, 1])) == (1 if lockstep > 1 and others[0] == others[1] else 2)
        results.append(cohort.train(fresh(cohort), [0, 1], 1, 0.05))
    assert difference(results[0][0], results[1][0]) < 1e-4
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-4, atol=1e-5)


def test_it_trains_through_the_common_loop():
    state, history = train(FedAvg(), make_kcfu_cohort(), 5, 0.02)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert all(w.isfinite().all() for w in state["global"].values())
