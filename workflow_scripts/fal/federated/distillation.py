"""The distilled model of a client: fitted to its labels and to the global model (Eq. 5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from fal.data.images import Augmentation, Images
from fal.federated import models
from fal.federated.models import Classifier, Weights
from fal.federated.training import Batch, Cohort, Plan, cross_entropy_of, decay, train


@dataclass(frozen=True)
class Distillation:
    """Options. weight: lambda, the share of the distillation term; temperature: T.

    The learning rate is multiplied by ``decay_factor`` after ``decay_after`` (a fraction) of the
    epochs. Training stops when the loss of an epoch has not fallen for ``patience`` epochs; then
    the weights after the best epoch are restored, or with ``restore_best`` false the last are kept.
    """

    weight: float = 0.9
    temperature: float = 4.0
    epochs: int = 500
    decay_after: float = 0.75
    decay_factor: float = 0.1
    patience: int = 5
    restore_best: bool = True

    def factor(self, epoch: int) -> float:
        """What the learning rate is multiplied by in ``epoch`` (counted from 0)."""
        return decay(epoch, self.epochs, self.decay_after, self.decay_factor)


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


def distill(
    cohort: Cohort,
    teacher: Weights,
    clients: Sequence[int],
    options: Distillation,
    batch_size: int = 64,
) -> tuple[Weights, dict[int, int]]:
    """Distill ``teacher`` [1, ...] into a fresh model of each client.

    Images are augmented by flips (where the data set has them) and never cropped.
    Returns the models' weights [len(clients), ...] and the number of epochs each took.
    """
    ends, epochs = {}, {}
    for group in cohort.groups(clients):
        weights, taken = _distill_group(cohort, teacher, group, options, batch_size)
        for position, k in enumerate(group):
            ends[k], epochs[k] = models.row(weights, position), int(taken[position])
    return {name: torch.cat([ends[k][name] for k in clients]) for name in teacher}, epochs


def _distill_group(
    cohort: Cohort, teacher: Weights, group: list[int], options: Distillation, batch_size: int
) -> tuple[Weights, Tensor]:
    images = replace(cohort.images, crop_padding=0)
    examples = torch.stack([cohort.examples[k] for k in group])
    table = TeacherTable(models.write(cohort.stack(1), teacher), images, examples, batch_size)
    net = models.write(cohort.stack(len(group)), cohort.fresh_weights("distill", group))
    generators = cohort.generators("distill", group)
    plan = Plan(images, cohort.labels, examples, options.epochs, cohort.sgd.batch_size, generators)

    def objective(net: Classifier, batch: Batch) -> Tensor:
        return distillation_loss(
            net(batch.images), batch.labels, table(batch), options.weight, options.temperature
        )

    return keep_best(net, train(net, plan, cohort.sgd, objective, schedule=options.factor), options)


def keep_best(
    net: Classifier, losses: Iterable[Tensor], options: Distillation
) -> tuple[Weights, Tensor]:
    """Follow a training's epoch losses [S] until every network of the stack has stopped.

    Returns the weights [S, ...] after the best epoch of each (after its last one, if the options
    say so), and the epochs [S] each took.
    """
    best = models.read(net)
    lowest = taken = stale = None
    for loss in losses:
        if lowest is None:
            lowest = torch.full_like(loss, torch.inf)
            taken = stale = torch.zeros_like(loss, dtype=torch.long)
        active = stale < options.patience
        better = active & (loss < lowest)
        lowest = torch.where(better, loss, lowest)
        stale = torch.where(better, 0, stale + 1)
        taken = taken + active
        kept = better if options.restore_best else active
        for name, weights in models.read(net).items():
            chosen = kept.view(-1, *[1] * (weights.dim() - 1))
            best[name] = torch.where(chosen, weights, best[name])
        if not (stale < options.patience).any():
            break
    return best, taken
