"""Local training: stochastic gradient descent of one client, or of several in lockstep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from fal.federated.batches import Batch
from fal.federated.models import Classifier
from fal.federated.options import LocalTraining

Objective = Callable[[Classifier, Batch], Tensor]
"""Gives the loss [S] of each network of a stack on its part of a batch."""

GradientCorrection = Callable[[Mapping[str, Tensor]], None]
"""Changes the gradients of the parameters, given by name, in place before a step is taken."""


def cross_entropy(net: Classifier, batch: Batch) -> Tensor:
    """Mean cross-entropy [S] of each network of the stack on its own examples."""
    assert batch.labels is not None
    return cross_entropy_of(net(batch.images), batch.labels)


def cross_entropy_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy [S] of logits [B, S, C] against labels [B, S]."""
    return F.cross_entropy(logits.transpose(1, 2).float(), labels, reduction="none").mean(0)


def make_optimizer(net: Classifier, local: LocalTraining) -> torch.optim.SGD:
    """Gradient descent of a stack whose momentum starts at zero."""
    return torch.optim.SGD(
        net.parameters(), 0.0, local.momentum, weight_decay=local.weight_decay, fused=True
    )


def train_epoch(
    net: Classifier,
    optimizer: torch.optim.SGD,
    batches: Iterable[Batch],
    local: LocalTraining,
    learning_rate: float,
    objective: Objective = cross_entropy,
    correction: GradientCorrection | None = None,
) -> Tensor:
    """Train the stack in place for one epoch; returns the mean loss [S] over its examples."""
    net.train()
    optimizer.param_groups[0]["lr"] = learning_rate
    parameters = dict(net.named_parameters())
    total, examples = torch.zeros(()), 0
    for batch in batches:
        device = batch.images.device.type
        with torch.autocast(device, torch.bfloat16, enabled=local.precision == "bf16"):
            losses = objective(net, batch)
        optimizer.zero_grad()
        losses.sum().backward()
        if correction:
            correction(parameters)
        optimizer.step()
        total = total + losses.detach() * len(batch.position)
        examples += len(batch.position)
    return total / examples
