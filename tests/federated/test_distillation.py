import math

import pytest
import torch

from fal.data.images import Augmentation
from fal.federated import distillation, models
from fal.federated.distillation import (
    Distillation,
    TeacherTable,
    distill,
    distillation_loss,
    keep_best,
)
from fal.federated.training import SGD, Batch
from federations import CLASSES, difference, equal, fresh, make_cohort, make_images


def softened(logits, temperature):
    exponentials = [math.exp(z / temperature) for z in logits]
    return [e / sum(exponentials) for e in exponentials]


@pytest.mark.parametrize(("weight", "temperature"), [(0.9, 4.0), (0.0, 4.0), (1.0, 1.0)])
def test_the_loss_is_equation_5(weight, temperature):
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 5, 2, 4, generator=generator) * 3
    labels = torch.randint(4, (5, 2), generator=generator)
    losses = distillation_loss(student, labels, teacher, weight, temperature)
    for s in range(2):
        total = 0.0
        for z, y, t in zip(
            student[:, s].tolist(), labels[:, s], teacher[:, s].tolist(), strict=True
        ):
            p, q = softened(t, temperature), softened(z, temperature)
            kl = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
            total += -(1 - weight) * math.log(softened(z, 1)[y]) + weight * temperature**2 * kl
        assert losses[s].item() == pytest.approx(total / 5, rel=1e-4)


def test_a_perfect_imitation_leaves_only_the_labels_part():
    logits, labels = torch.randn(6, 1, 3), torch.randint(3, (6, 1))
    loss = distillation_loss(logits, labels, logits, 1.0, 4.0)
    torch.testing.assert_close(loss, torch.zeros(1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("flip", [False, True])
def test_the_table_holds_what_the_teacher_says_of_each_view(flip):
    images = make_images(flip=flip)
    teacher = models.build("cnn", images.shape, CLASSES, seed=1)
    examples = torch.stack([torch.arange(10, 20), torch.arange(30, 40)])
    table = TeacherTable(teacher, images, examples, batch_size=3)
    position = torch.stack([torch.randperm(10) for _ in range(2)], 1)[:7]
    index = torch.stack([examples[s][position[:, s]] for s in (0, 1)], 1)
    augmentation = images.draw_augmentation((7, 2), torch.Generator().manual_seed(3))
    batch = Batch(images.batch(index, augmentation), None, position, augmentation)
    for s in (0, 1):
        with torch.no_grad():
            online = teacher.eval()(batch.images[:, s : s + 1])[:, 0]
        torch.testing.assert_close(table(batch)[:, s], online, rtol=1e-4, atol=1e-5)


class Recorded:
    """A stack of two networks whose only weight is the number of epochs behind it."""

    def __init__(self):
        self.net = models.build("cnn", (1, 8, 8), CLASSES, stack=2)
        self.epochs = 0

    def train(self, losses):
        for loss in losses:
            self.epochs += 1
            weights = {n: torch.full_like(w, self.epochs) for n, w in models.read(self.net).items()}
            models.write(self.net, weights)
            yield torch.tensor(loss)


def slow_early_stopping(losses, patience):
    """(best epoch, epochs taken) of one network; epochs are counted from 1."""
    lowest, best = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            lowest, best = loss, epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(losses)


@pytest.mark.parametrize("seed", range(6))
def test_early_stopping_restores_the_best_weights(seed):
    generator = torch.Generator().manual_seed(seed)
    losses = torch.rand(40, 2, generator=generator).round(decimals=1).tolist()
    recorded = Recorded()
    best, taken = keep_best(recorded.net, recorded.train(losses), Distillation(patience=4))
    for s in (0, 1):
        expected_best, expected_taken = slow_early_stopping([row[s] for row in losses], 4)
        assert best["head.bias"][s].unique().item() == expected_best
        assert taken[s].item() == expected_taken
    assert recorded.epochs == max(taken)


def test_training_to_the_end_keeps_the_best_epoch():
    recorded = Recorded()
    losses = [[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]]
    best, taken = keep_best(recorded.net, recorded.train(losses), Distillation(patience=5))
    assert best["head.bias"][:, 0].tolist() == [3, 1]
    assert taken.tolist() == [3, 3]


def test_the_last_weights_are_kept_where_wanted():
    recorded = Recorded()
    losses = [[3.0, 1.0], [2.0, 2.0], [1.0, 3.0], [1.0, 4.0]]
    options = Distillation(patience=2, restore_best=False)
    last, taken = keep_best(recorded.net, recorded.train(losses), options)
    assert taken.tolist() == [4, 3]
    assert last["head.bias"][:, 0].tolist() == [4, 3]


def test_distilled_models_imitate_the_teacher():
    cohort = make_cohort((12, 12), sgd=SGD(0.05, batch_size=4))
    teacher, _ = cohort.train(fresh(cohort), [0], 0, 0.05)
    weights, epochs = distill(cohort, teacher, [0, 1], Distillation(epochs=30, patience=30))
    assert epochs == {0: 30, 1: 30}
    for k in (0, 1):
        images = cohort.images.batch(cohort.examples[k][:, None])
        said = [
            models.write(cohort.build(1, 0), w).eval()(images)[:, 0].softmax(1)
            for w in (teacher, models.row(weights, k), cohort.fresh_weights("distill", [k]))
        ]
        assert (said[1] - said[0]).abs().mean() < 0.5 * (said[2] - said[0]).abs().mean()


def test_lockstep_equals_one_by_one():
    images = make_images(flip=True, crop_padding=2)
    results = []
    for lockstep in (1, 8):
        cohort = make_cohort((10, 10, 7), images, SGD(0.02, batch_size=4), lockstep=lockstep)
        results.append(distill(cohort, fresh(cohort), [0, 1, 2], Distillation(epochs=4)))
    assert difference(results[0][0], results[1][0]) < 1e-4
    assert results[0][1] == results[1][1]


def test_the_order_of_clients_does_not_matter():
    cohort = make_cohort(sgd=SGD(0.02, batch_size=4))
    forward, _ = distill(cohort, fresh(cohort), [0, 1, 2], Distillation(epochs=3))
    backward, _ = distill(cohort, fresh(cohort), [2, 1], Distillation(epochs=3))
    assert equal(models.row(forward, 2), models.row(backward, 0))


def test_images_are_never_cropped(monkeypatch):
    seen = []
    original = distillation.train

    def spy(net, plan, *args, **kwargs):
        seen.append(plan.augmentation)
        return original(net, plan, *args, **kwargs)

    monkeypatch.setattr(distillation, "train", spy)
    cohort = make_cohort((6,), make_images(flip=True, crop_padding=2), SGD(0.02, batch_size=4))
    distill(cohort, fresh(cohort), [0], Distillation(epochs=1))
    assert isinstance(seen[0], Augmentation)
    assert seen[0].flip is not None
    assert seen[0].shift is None


def test_the_learning_rate_falls_after_three_quarters_of_the_epochs():
    options = Distillation()
    assert [options.factor(e) for e in (0, 374)] == [1.0, 1.0]
    assert options.factor(375) == pytest.approx(0.1)
