"""KCFU, the training of KAFAL (Cao et al., ICCV 2023), as its authors' code does it.

Knowledge-Compensatory Federated Update: on labeled images the balanced softmax makes up for the
client's uneven classes; on unlabeled images the client imitates the global model of the round's
beginning, the more so on the classes of which it has few labels. Here the global model is in
evaluation mode, and each image is mixed with another one of its batch (the published code mixes
all images of a batch with the same one).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from fal.federated import models
from fal.federated.batches import Batch, BatchOrder
from fal.federated.cohort import Cohort
from fal.federated.models import Classifier, Weights
from fal.federated.options import steps_per_epoch
from fal.federated.training import Objective, cross_entropy_of


def balanced_softmax_loss(logits: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
    """Mean cross-entropy [S] after adding the log of the class counts [S, C] to the logits
    [B, S, C]; labels: [B, S], of counted classes only."""
    return cross_entropy_of(logits.float() + counts.log(), labels)


def compensation_weights(counts: Tensor) -> Tensor:
    """Weight [S, C] of each class: inverse to its count [S, C], in sum 1; 0 if it has no label."""
    inverse = torch.where(counts > 0, 1 / counts, 0)
    return inverse / inverse.sum(1, keepdim=True)


def compensation_loss(student: Tensor, teacher: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean [S] over the images of KL(teacher || student) / C.

    student, teacher: logits [B, S, C]; weights: one for each image [B, S].
    """
    logs = F.log_softmax(student.float(), 2), F.log_softmax(teacher.float(), 2)
    return (weights * F.kl_div(*logs, reduction="none", log_target=True).mean(2)).mean(0)


def mix(values: Tensor, share: Tensor) -> Tensor:
    """``share`` [B, ...] of each row of ``values`` [B, ...] and the rest of the row before it."""
    return share * values + (1 - share) * values.roll(1, 0)


def kcfu(cohort: Cohort, clients: list[int], start: Weights, round_index: int) -> Objective:
    """The loss of ``clients`` in a round that starts from the global weights ``start``.

    In round 0, when the global model knows nothing yet, only the balanced softmax is used, and so
    it is for clients with fewer than two unlabeled images.
    """
    teacher = models.write(cohort.stacks.get(1, "teacher"), start).eval()
    counts = class_counts(cohort, clients, teacher.head.out_features)
    if round_index == 0 or len(unlabeled_examples(cohort, clients[:1])[0]) < 2:
        return lambda net, batch: balanced_softmax_loss(net(batch.images), labels_of(batch), counts)

    class_weights = compensation_weights(counts)
    unlabeled = mixed_batches(cohort, clients, round_index)

    def objective(net: Classifier, batch: Batch) -> Tensor:
        supervised = balanced_softmax_loss(net(batch.images), labels_of(batch), counts)
        images, share = next(unlabeled)
        with torch.no_grad():
            logits = teacher(images.flatten(0, 1)).view(*share.shape, -1)
        known = class_weights.expand(len(share), -1, -1)
        weights = known.gather(2, logits.argmax(2, keepdim=True)).squeeze(2)
        student = net(images.flatten(1, 2))
        return supervised + compensation_loss(student, logits, mix(weights, share))

    return objective


def labels_of(batch: Batch) -> Tensor:
    assert batch.labels is not None
    return batch.labels


def class_counts(cohort: Cohort, clients: list[int], num_classes: int) -> Tensor:
    """Number of labeled examples [S, C] of each class that each client has."""
    labels = torch.stack([cohort.labels[cohort.examples[k]] for k in clients])
    return F.one_hot(labels, num_classes).sum(1).float()


def unlabeled_examples(cohort: Cohort, clients: list[int]) -> Tensor:
    """Indices [S, n] of the clients' unlabeled images."""
    assert cohort.unlabeled is not None
    return torch.stack([cohort.unlabeled[k] for k in clients])


def mixed_batches(
    cohort: Cohort, clients: list[int], round_index: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """As many batches of mixed unlabeled images [B, S, C, H, W] as the clients take steps.

    With each batch comes the share [B, S] that the image itself has in its mixture. It is drawn
    from Beta(2, 2), the distribution of the median of three uniform numbers, anew in each round.
    """
    local = cohort.local
    examples = unlabeled_examples(cohort, clients)
    size, device = examples.shape[1], examples.device
    steps = local.num_steps(len(cohort.examples[clients[0]]))
    passes = -(-steps // steps_per_epoch(size, local.batch_size))
    generators = cohort.generators("unlabeled", clients, round_index)
    shares = torch.stack([torch.rand(3, size, generator=g).median(0).values for g in generators], 1)
    shares = shares.to(device)
    order = BatchOrder(cohort.images, None, examples, passes, local.batch_size, generators)
    for epoch in range(passes):
        for batch in order.batches(epoch):
            share = shares.gather(0, batch.position)
            images = batch.images.unflatten(1, (len(clients), -1))
            yield mix(images, share[..., None, None, None]), share
