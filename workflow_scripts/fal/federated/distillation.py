"""The distilled model of a client: fitted to its labels and to the global model (Eq. 5)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from fal.data.augmentation import Augmentation
from fal.data.images import Images
from fal.errors import InputError
from fal.federated import models
from fal.federated.batches import Batch, BatchOrder
from fal.federated.checkpoint import Checkpoint, like
from fal.federated.cohort import Cohort
from fal.federated.models import Classifier, Weights
from fal.federated.options import Distillation
from fal.federated.training import GradientDescent, cross_entropy_of, train_epoch
from fal.federated.unwatched import Unwatched

if TYPE_CHECKING:
    from fal.progress import Progress

    State = dict[str, Weights]

log = logging.getLogger(__name__)


def distillation_loss(
    logits: Tensor, labels: Tensor, teacher_logits: Tensor, weight: float, temperature: float
) -> Tensor:
    """Eq. 5: (1-weight) * CE + weight * T^2 * KL(teacher(T) || student(T)), mean over B.

    logits, teacher_logits: [B, S, C]; labels: [B, S]. Returns [S].
    """
    kl = F.kl_div(
        F.log_softmax(logits.float() / temperature, 2),
        F.log_softmax(teacher_logits / temperature, 2),
        reduction="none",
        log_target=True,
    ).sum(2)
    imitation = temperature**2 * kl.mean(0)
    return (1 - weight) * cross_entropy_of(logits, labels) + weight * imitation


TeacherLogits = Callable[[Batch], Tensor]
"""Gives the teacher's logits [B, S, C] for the examples of a batch, as they are augmented there."""


def teacher_logits(
    teacher: Classifier, images: Images, examples: Tensor, batch_size: int
) -> TeacherLogits:
    """The teacher's logits of what the students see of ``examples`` [S, n].

    Computed beforehand where an image has two views at most, and batch by batch where images are
    cropped at random.
    """
    if images.crop_padding:
        return BatchwiseTeacher(teacher)
    return TeacherTable(teacher, images, examples, batch_size)


class BatchwiseTeacher:
    """The teacher looks at the students' batches: at the same crops and mirror images."""

    def __init__(self, teacher: Classifier):
        self.teacher = teacher.eval()

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Tensor:
        """Teacher logits [B, S, C] for the examples of a batch, in single precision."""
        views = batch.images.unflatten(1, (batch.position.shape[1], -1)).flatten(0, 1)
        with torch.autocast(views.device.type, enabled=False):
            return self.teacher(views).view(*batch.position.shape, -1)


class TeacherTable:
    """The teacher's logits for every example and its mirror image, computed once.

    images: augmented by flips at most. examples: int64 [S, n].
    """

    def __init__(self, teacher: Classifier, images: Images, examples: Tensor, batch_size: int):
        teacher.eval()
        self.logits = torch.stack(
            [
                self._logits(teacher, images, examples.flatten(), flip, batch_size)
                for flip in ((False, True) if images.flip else (False,))
            ]
        ).unflatten(1, examples.shape)

    @staticmethod
    @torch.no_grad()
    def _logits(
        teacher: Classifier, images: Images, index: Tensor, flip: bool, batch_size: int
    ) -> Tensor:
        views = (
            images.batch(part, Augmentation(flip=torch.full_like(part, flip, dtype=torch.bool)))
            for part in index[:, None].split(batch_size)
        )
        return torch.cat([teacher(view)[:, 0] for view in views])

    def __call__(self, batch: Batch) -> Tensor:
        """Teacher logits [B, S, C] for the examples of a batch."""
        flip = batch.augmentation.flip
        view = torch.zeros_like(batch.position) if flip is None else flip.long()
        client = torch.arange(batch.position.shape[1], device=batch.position.device)
        return self.logits[view, client, batch.position]


class EarlyStopping:
    """Follows the epochs of a stack's networks, each of which stops on its own.

    A network stops when its loss has not fallen for ``patience`` epochs. best: weights [S, ...]
    after its best epoch (or its last one, if the options say so); taken: epochs [S] until it
    stopped.
    """

    def __init__(self, weights: Weights, options: Distillation):
        some = next(iter(weights.values()))
        self.options, self.best = options, weights
        self.lowest = torch.full((len(some),), torch.inf, device=some.device)
        self.taken = torch.zeros(len(some), dtype=torch.long, device=some.device)
        self.stale = self.taken

    @property
    def active(self) -> Tensor:
        """Which networks [S] have not stopped."""
        return self.stale < self.options.patience

    def update(self, weights: Weights, loss: Tensor) -> None:
        """Take notice of an epoch: weights [S, ...] after it, and its mean loss [S]."""
        active = self.active
        better = active & (loss < self.lowest)
        self.lowest = torch.where(better, loss, self.lowest)
        self.stale = torch.where(better, 0, self.stale + 1)
        self.taken = self.taken + active
        kept = better if self.options.restore_best else active
        self.best = {
            name: torch.where(kept.view(-1, *[1] * (new.dim() - 1)), new, self.best[name])
            for name, new in weights.items()
        }


class Students:
    """The models of a group of clients in distillation; ``state`` is all there is to it."""

    def __init__(
        self,
        cohort: Cohort,
        teacher: Weights,
        group: list[int],
        options: Distillation,
        batch_size: int,
    ):
        examples = torch.stack([cohort.examples[k] for k in group])
        self.cohort, self.group, self.options, self.done = cohort, group, options, 0
        self.teacher_logits = teacher_logits(
            models.write(cohort.stacks.get(1, "teacher"), teacher),
            cohort.images,
            examples,
            batch_size,
        )
        self.net = models.write(
            cohort.stacks.get(len(group)), cohort.fresh_weights("distill", group)
        )
        self.order = BatchOrder(
            cohort.images,
            cohort.labels,
            examples,
            options.epochs,
            options.batch_size,
            cohort.generators("distill", group),
        )
        self.optimizer = GradientDescent(self.net, cohort.local)
        self.stopping = EarlyStopping(models.read(self.net), options)

    def objective(self, net: Classifier, batch: Batch) -> Tensor:
        assert batch.labels is not None
        options = self.options
        return distillation_loss(
            net(batch.images),
            batch.labels,
            self.teacher_logits(batch),
            options.weight,
            options.temperature,
        )

    @property
    def finished(self) -> bool:
        return self.done == self.options.epochs or not self.stopping.active.any()

    def train_epoch(self) -> float:
        """Train for one epoch; returns the mean loss of the clients that have not stopped."""
        active = self.stopping.active
        with self.cohort.layers_seeded("layers in distillation", self.group, self.done):
            loss = train_epoch(
                self.net,
                self.optimizer,
                self.order.batches(self.done),
                self.cohort.local,
                self.options.rate(self.done),
                self.objective,
            )
        self.done += 1
        mean = float(loss[active].mean())
        if math.isnan(mean):
            raise InputError(
                f"distillation has diverged in cycle {self.cohort.cycle}, epoch {self.done}, among "
                f"clients {self.group}: its loss is no number any more; lower "
                "distillation.learning_rate"
            )
        self.stopping.update(models.read(self.net), loss)
        return mean

    def state(self) -> State:
        """All that the epochs so far have left, as tensors by part and name."""
        stopping = self.stopping
        momentum = {
            name: models.rows(buffer, self.net.stack)
            for name, buffer in self.optimizer.buffers.items()
        }
        epochs = {"lowest": stopping.lowest, "taken": stopping.taken, "stale": stopping.stale}
        return {
            "student": models.read(self.net),
            "momentum": momentum,
            "best": stopping.best,
            "epochs": epochs,
        }

    def restore(self, state: State, done: int) -> None:
        """Go on from a state that ``state`` returned after ``done`` epochs."""
        models.write(self.net, state["student"])
        for name, rows in state.get("momentum", {}).items():
            buffer = torch.empty_like(self.optimizer.parameters[name], requires_grad=False)
            self.optimizer.buffers[name] = buffer.copy_(rows.reshape(buffer.shape))
        self.stopping.best = state["best"]
        for name, tensor in state["epochs"].items():
            setattr(self.stopping, name, tensor)
        self.done = done


def distill(
    cohort: Cohort,
    teacher: Weights,
    clients: Sequence[int],
    options: Distillation,
    batch_size: int = 64,
    checkpoint: Checkpoint | None = None,
    progress: Callable[[str, int, int], Progress | Unwatched] = Unwatched,
) -> tuple[Weights, dict[int, int]]:
    """Distill ``teacher`` [1, ...] into a fresh model of each client.

    Images are augmented as in training, and the teacher sees what the students see.
    ``cohort.local`` gives momentum, weight decay and precision. batch_size: of the teacher's
    inference beforehand. checkpoint and progress: as in ``fal.federated.rounds.train_rounds``; the
    unit is an epoch of a group.

    Returns the models' weights [len(clients), ...] and the number of epochs each took. The teacher
    stands in for the model of a client that is idle.
    Raises InputError if a loss becomes NaN, and Stopped if the job is to stop and all is saved.
    """
    groups = cohort.groups([k for k in clients if k not in cohort.idle])
    distilled, epochs, current = _start(checkpoint, teacher, groups)
    done = sum(str(group[0]) in distilled for group in groups)
    if current:
        log.info("%d of %d groups of clients were done before", done, len(groups))
    with closing(progress("epoch", len(groups) * options.epochs, done * options.epochs)) as shown:
        for number, group in enumerate(groups):
            if str(group[0]) in distilled:
                continue
            students = Students(cohort, teacher, group, options, batch_size)
            if current:
                students.restore(*current)
                current = None
            while not students.finished:
                loss = students.train_epoch()
                if checkpoint and checkpoint.due:
                    record = {"epochs": epochs, "group": group, "done": students.done}
                    after = f"epoch {students.done} of group {number + 1} of {len(groups)}"
                    checkpoint.save({**distilled, **students.state()}, record, after)
                shown.update(number * options.epochs + students.done, loss=loss)
            for position, k in enumerate(group):
                distilled[str(k)] = models.row(students.stopping.best, position)
                epochs[str(k)] = int(students.stopping.taken[position])
    models_of = [distilled.get(str(k), teacher) for k in clients]
    weights = {name: torch.cat([model[name] for model in models_of]) for name in teacher}
    return weights, {k: epochs.get(str(k), 0) for k in clients}


def _start(
    checkpoint: Checkpoint | None, teacher: Weights, groups: list[list[int]]
) -> tuple[State, dict[str, int], tuple[State, int] | None]:
    """What a checkpoint knows, if it fits.

    Returns the weights and epochs of the clients that are finished, by number, and the state and
    epochs of the group that was at work.
    """
    device = next(iter(teacher.values())).device
    saved = checkpoint.load(device) if checkpoint else None
    if saved is None:
        return {}, {}, None
    state, record = saved
    distilled = {part: weights for part, weights in state.items() if part.isdigit()}
    networks = {**distilled, "student": state["student"], "best": state["best"]}
    first = {part: models.row(weights, 0) for part, weights in networks.items()}
    if record["group"] not in groups or not like(first, dict.fromkeys(first, teacher)):
        assert checkpoint
        checkpoint.disregard("it belongs to other clients or another network")
        return {}, {}, None
    return distilled, record["epochs"], (state, record["done"])
