import math
from functools import cache

import pytest
import torch

from fal.errors import InputError
from fal.federated import distillation, models
from fal.federated.batches import Batch
from fal.federated.checkpoint import Checkpoint
from fal.federated.distillation import EarlyStopping, TeacherTable, distill, distillation_loss
from fal.federated.options import Distillation
from fal.signals import Stopped, Stopping
from federated.cohorts import (
    Killed,
    KilledAfter,
    build,
    difference,
    equal,
    fresh,
    make_cohort,
    make_images,
    network_of,
)


def options(**given) -> Distillation:
    return Distillation(**{"learning_rate": 0.02, "batch_size": 4, **given})


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
def test_the_table_holds_the_teacher_s_logits_of_each_view(flip):
    images = make_images(flip=flip)
    teacher = build("cnn", images.shape, seed=1)
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


def follow(losses, options) -> EarlyStopping:
    """Follow two networks whose only weight is the number of epochs behind it."""
    stopping = EarlyStopping({"w": torch.zeros(2, 1)}, options)
    for epoch, loss in enumerate(losses, start=1):
        if not stopping.active.any():
            break
        stopping.update({"w": torch.full((2, 1), float(epoch))}, torch.tensor(loss))
    return stopping


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
    stopping = follow(losses, Distillation(patience=4))
    for s in (0, 1):
        expected_best, expected_taken = slow_early_stopping([row[s] for row in losses], 4)
        assert stopping.best["w"][s].item() == expected_best
        assert stopping.taken[s].item() == expected_taken


def test_training_to_the_end_keeps_the_best_epoch():
    stopping = follow([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]], Distillation(patience=5))
    assert stopping.best["w"][:, 0].tolist() == [3, 1]
    assert stopping.taken.tolist() == [3, 3]


def test_the_last_weights_are_kept_where_wanted():
    losses = [[3.0, 1.0], [2.0, 2.0], [1.0, 3.0], [1.0, 4.0]]
    stopping = follow(losses, Distillation(patience=2, restore_best=False))
    assert stopping.taken.tolist() == [4, 3]
    assert stopping.best["w"][:, 0].tolist() == [4, 3]


@pytest.mark.parametrize("patience", [1, 3])
def test_nothing_is_trained_once_all_have_stopped(monkeypatch, patience):
    trained = []

    def constant_loss(net, *args):
        trained.append(net)
        return torch.ones(net.stack)

    monkeypatch.setattr(distillation, "train_epoch", constant_loss)
    cohort = make_cohort((10, 10), lockstep=8)
    _, epochs = distill(cohort, fresh(cohort), [0, 1], options(patience=patience))
    assert len(trained) == 1 + patience
    assert epochs == {0: 1 + patience, 1: 1 + patience}


def test_distilled_models_imitate_the_teacher():
    cohort = make_cohort((12, 12))
    teacher, _ = cohort.train(fresh(cohort), [0], 0, 0.05)
    chosen = options(epochs=30, patience=30, learning_rate=0.05)
    weights, epochs = distill(cohort, teacher, [0, 1], chosen)
    assert epochs == {0: 30, 1: 30}
    for k in (0, 1):
        images = cohort.images.batch(cohort.examples[k][:, None])
        outputs = [
            network_of(cohort, w).eval()(images)[:, 0].softmax(1)
            for w in (teacher, models.row(weights, k), cohort.fresh_weights("distill", [k]))
        ]
        assert (outputs[1] - outputs[0]).abs().mean() < 0.5 * (outputs[2] - outputs[0]).abs().mean()


def test_lockstep_equals_one_by_one():
    images = make_images(flip=True, crop_padding=2)
    results = []
    for lockstep in (1, 8):
        cohort = make_cohort((10, 10, 7), images, lockstep=lockstep)
        results.append(distill(cohort, fresh(cohort), [0, 1, 2], options(epochs=4)))
    assert difference(results[0][0], results[1][0]) < 1e-4
    assert results[0][1] == results[1][1]


def test_the_order_of_clients_does_not_matter():
    cohort = make_cohort()
    forward, _ = distill(cohort, fresh(cohort), [0, 1, 2], options(epochs=3))
    backward, _ = distill(cohort, fresh(cohort), [2, 1], options(epochs=3))
    assert equal(models.row(forward, 2), models.row(backward, 0))


@pytest.mark.parametrize("crop_padding", [0, 2])
def test_the_teacher_sees_what_the_students_see(monkeypatch, crop_padding):
    """With crops or without, its logits are those of the batch's own images, one by one."""
    batches = []

    def look(net, optimizer, order, local, rate, objective):
        batches.extend(order)
        return torch.ones(net.stack)

    monkeypatch.setattr(distillation, "train_epoch", look)
    images = make_images(flip=True, crop_padding=crop_padding)
    cohort = make_cohort((10, 10), images, lockstep=8)
    weights = fresh(cohort)
    students = distillation.Students(cohort, weights, [0, 1], options(), batch_size=3)
    students.train_epoch()
    teacher = network_of(cohort, weights).eval()
    assert sum(len(batch.position) for batch in batches) == 10
    assert all((batch.augmentation.shift is not None) == bool(crop_padding) for batch in batches)
    for batch in batches:
        logits = students.teacher_logits(batch)
        for s in (0, 1):
            index = cohort.examples[s][batch.position[:, s]]
            augmentation = batch.augmentation[:, s : s + 1]
            with torch.no_grad():
                alone = teacher(images.batch(index[:, None], augmentation))[:, 0]
            torch.testing.assert_close(logits[:, s], alone, rtol=1e-4, atol=1e-5)


def test_a_mixed_precision_student_has_a_teacher_in_single_precision():
    images = make_images(flip=True, crop_padding=1)
    cohort = make_cohort((6,), images)
    teacher = distillation.BatchwiseTeacher(network_of(cohort, fresh(cohort)))
    augmentation = images.draw_augmentation((5, 1), torch.Generator().manual_seed(0))
    index = torch.arange(5)[:, None]
    batch = Batch(images.batch(index, augmentation), None, index, augmentation)
    expected = teacher(batch)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(teacher(batch), expected)
    assert not expected.requires_grad


def test_the_teacher_of_one_client_is_not_its_student(monkeypatch):
    """They were once the same network: whoever used the teacher later had the student."""
    teachers = []
    original = distillation.TeacherTable

    def spy(teacher, *args):
        teachers.append(teacher)
        return original(teacher, *args)

    monkeypatch.setattr(distillation, "TeacherTable", spy)
    cohort = make_cohort((10,))
    weights = fresh(cohort)
    distill(cohort, weights, [0], options(epochs=2))
    assert equal(models.read(teachers[0]), weights)


@cache
def undisturbed(lockstep):
    """A distillation that nothing ended: cohort, teacher, options, and what came of it."""
    chosen = options(epochs=5, patience=2, learning_rate=0.1)
    cohort = make_cohort(images=make_images(flip=True), lockstep=lockstep)
    teacher = fresh(cohort)
    return cohort, teacher, chosen, distill(cohort, teacher, range(3), chosen)


@pytest.mark.parametrize("lockstep", [1, 2, 8])
@pytest.mark.parametrize("epochs_before", [1, 4, 100])
def test_a_killed_distillation_goes_on_to_the_same_bytes(tmp_path, lockstep, epochs_before):
    cohort, teacher, chosen, (whole, epochs) = undisturbed(lockstep)

    def again(**more):
        started = make_cohort(images=cohort.images, lockstep=lockstep)
        checkpoint = Checkpoint(tmp_path / "state", {"a": 1}, 0)
        return distill(started, teacher, range(3), chosen, checkpoint=checkpoint, **more)

    needed = sum(max(epochs[k] for k in group) for group in cohort.groups(range(3)))
    epochs_before = min(epochs_before, needed)
    with pytest.raises(Killed):
        again(progress=KilledAfter(epochs_before))
    counted = KilledAfter(1000)
    resumed, resumed_epochs = again(progress=counted)
    assert equal(resumed, whole)
    assert resumed_epochs == epochs
    assert 1000 - counted.left == needed - epochs_before


def test_a_distillation_that_is_told_to_stop_saves_its_epoch_and_goes_on_from_there(tmp_path):
    cohort, teacher, chosen, (whole, epochs) = undisturbed(2)
    stopping = Stopping()
    stopped = Checkpoint(tmp_path / "state", {"a": 1}, 3600, stopping=stopping)

    class Told(KilledAfter):
        def update(self, done, **numbers):
            stopping.signal = "SIGUSR1"

    def again(checkpoint, progress):
        started = make_cohort(images=cohort.images, lockstep=2)
        return distill(started, teacher, range(3), chosen, 64, checkpoint, progress)

    with pytest.raises(Stopped, match="by SIGUSR1 after epoch 2 of group 1 of 2: the next call"):
        again(stopped, Told(0))
    resumed = again(Checkpoint(tmp_path / "state", {"a": 1}, 3600), KilledAfter(1000))
    assert equal(resumed[0], whole)
    assert resumed[1] == epochs


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_checkpoint_that_does_not_fit_costs_a_line_and_a_new_start(tmp_path, caplog, damage):
    cohort = make_cohort(lockstep=8)
    teacher, chosen = fresh(cohort), options(epochs=3)
    whole, _ = distill(cohort, teacher, range(3), chosen)
    checkpoint = Checkpoint(tmp_path / "state", {"a": 1}, 0)
    other = cohort if damage == "cut" else make_cohort(norm="group", lockstep=8)
    distill(other, fresh(other), range(3), chosen, checkpoint=checkpoint)
    if damage == "cut":
        checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-9])
    weights, _ = distill(cohort, teacher, range(3), chosen, checkpoint=checkpoint)
    assert len(caplog.records) == 1
    assert "starting anew" in caplog.text
    assert equal(weights, whole)


def test_progress_counts_the_epochs_of_all_groups():
    made, updates = [], []

    class Told(KilledAfter):
        def __call__(self, unit, total, done):
            made.append((unit, total, done))
            return self

        def update(self, done, **numbers):
            updates.append((done, numbers["loss"]))

    cohort = make_cohort((10, 8, 10), lockstep=2)
    distill(cohort, fresh(cohort), range(3), options(epochs=3, patience=3), progress=Told(0))
    assert made == [("epoch", 6, 0)]
    assert [done for done, _ in updates] == [1, 2, 3, 4, 5, 6]
    assert all(math.isfinite(loss) for _, loss in updates)


def test_a_diverged_distillation_is_told():
    cohort = make_cohort()
    with pytest.raises(InputError, match=r"distillation has diverged in cycle 2, epoch \d+"):
        distill(cohort, fresh(cohort), [0], options(epochs=50, patience=50, learning_rate=1e30))
