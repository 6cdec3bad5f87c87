"""Local training: stochastic gradient descent of one client, or of several in lockstep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.sgd import sgd

from fal.federated.batches import Batch
from fal.federated.models import Classifier
from fal.federated.options import LocalTraining

Objective = Callable[[Classifier, Batch], Tensor]
"""Gives the loss [S] of each network of a stack on its part of a batch."""

GradientCorrection = Callable[[Mapping[str, Tensor]], None]
"""Changes the gradients of the parameters, given by name, in place before a step is taken."""


def doubtful_precision(precision: str, device: str) -> str | None:
    """A sentence for a mixed precision that the device has no instructions for."""
    if precision != "bf16":
        return None
    if device.startswith("cuda"):
        computes = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        computes = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if computes:
        return None
    return (
        f"training.precision is bf16, for which '{device}' has no instructions here: this may take "
        "ten times as long as float32"
    )


def cross_entropy(net: Classifier, batch: Batch) -> Tensor:
    """Mean cross-entropy [S] of each network of the stack on its own examples."""
    assert batch.labels is not None
    return cross_entropy_of(net(batch.images), batch.labels)


def cross_entropy_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy [S] of logits [B, S, C] against labels [B, S]."""
    return F.cross_entropy(logits.transpose(1, 2).float(), labels, reduction="none").mean(0)


class GradientDescent:
    """Stochastic gradient descent of a stack, with momentum that starts at zero.

    What ``torch.optim.SGD`` does, by the same function; making one of those would load torch's
    compiler, which takes two seconds of every job.

    buffers: the momentum of each of ``parameters``, by name; none before its first step.
    """

    def __init__(self, net: Classifier, local: LocalTraining):
        self.parameters, self.local = dict(net.named_parameters()), local
        self.buffers: dict[str, Tensor] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One step along the gradients of all parameters that have one."""
        gradients = {n: p.grad for n, p in self.parameters.items() if p.grad is not None}
        buffers = [self.buffers.get(name) for name in gradients]
        sgd(
            [self.parameters[name] for name in gradients],
            list(gradients.values()),
            buffers,
            fused=True,
            weight_decay=self.local.weight_decay,
            momentum=self.local.momentum,
            lr=learning_rate,
            dampening=0,
            nesterov=False,
            maximize=False,
        )
        self.buffers |= {n: b for n, b in zip(gradients, buffers, strict=True) if b is not None}


def train_epoch(
    net: Classifier,
    optimizer: GradientDescent,
    batches: Iterable[Batch],
    local: LocalTraining,
    learning_rate: float,
    objective: Objective = cross_entropy,
    correction: GradientCorrection | None = None,
) -> Tensor:
    """Train the stack in place for one epoch; returns the mean loss [S] over its examples."""
    net.train()
    total, examples = torch.zeros(()), 0
    for batch in batches:
        device = batch.images.device.type
        with torch.autocast(device, torch.bfloat16, enabled=local.precision == "bf16"):
            losses = objective(net, batch)
        optimizer.zero_grad()
        losses.sum().backward()
        if correction:
            correction(optimizer.parameters)
        optimizer.step(learning_rate)
        total = total + losses.detach() * len(batch.position)
        examples += len(batch.position)
    return total / examples
