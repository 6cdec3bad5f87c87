"""What a query strategy may see of one client: no label that the oracle has not given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fal.data.labeled import Labeled
from fal.data.partition import split_clients
from fal.errors import InputError
from fal.outputs import Outputs

if TYPE_CHECKING:
    from torch import Tensor

    from fal.data.dataset import Dataset


@dataclass(frozen=True)
class Pool:
    """The examples of one client in one cycle: L labeled and U unlabeled ones, C classes.

    index: int64 [U], ascending indices into the training set of the unlabeled examples.
    labels: int64 [L], true labels of the labeled examples (of no others).
    outputs: what each model that the strategy needs says of them.
    mean_reports: the clients' means of what the strategy has them report, by name.

    Raises InputError if a model's features or logits are not finite.
    """

    client: int
    cycle: int
    num_classes: int
    index: np.ndarray
    labels: np.ndarray
    outputs: Mapping[str, Outputs] = field(default_factory=dict)
    mean_reports: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self):
        for role, outputs in self.outputs.items():
            for name in ("features", "logits"):
                if not getattr(outputs, name).isfinite().all():
                    raise InputError(
                        f"client {self.client}, cycle {self.cycle}: the {role} model's {name} "
                        "are not all finite; training has diverged, try a lower learning_rate"
                    )

    @property
    def size(self) -> int:
        return len(self.index)

    @property
    def num_labeled(self) -> int:
        return len(self.labels)

    def all_features(self, role: str) -> Tensor:
        return self.outputs[role].features

    def features(self, role: str) -> Tensor:
        return self.outputs[role].features[self.num_labeled :]

    def labeled_features(self, role: str) -> Tensor:
        return self.outputs[role].features[: self.num_labeled]

    def logits(self, role: str) -> Tensor:
        return self.outputs[role].logits[self.num_labeled :]

    def probabilities(self, role: str) -> Tensor:
        """Softmax outputs [U, C] of the model ``role`` on the unlabeled examples."""
        return self.logits(role).softmax(1)

    def pseudo_labels(self, role: str) -> Tensor:
        """Most likely class [U] of each unlabeled example according to the model ``role``."""
        return self.logits(role).argmax(1)

    def labels_with_pseudo(self, role: str) -> Tensor:
        """True labels of the labeled, then pseudo-labels of the unlabeled examples: [L+U]."""
        import torch

        pseudo = self.pseudo_labels(role)
        return torch.cat([pseudo.new_tensor(self.labels), pseudo])


def open_pools(
    dataset: Dataset,
    client: np.ndarray,
    labeled: Labeled,
    cycle: int,
    outputs: Mapping[str, Outputs],
) -> Iterator[Pool]:
    """``build_pools`` of a data set's training images with what is labeled of them."""
    labels = labeled.labels(len(client))
    return build_pools(client, labeled.index, labels, len(dataset.classes), cycle, outputs)


def build_pools(
    client: np.ndarray,
    labeled_index: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    cycle: int,
    outputs: Mapping[str, Outputs],
) -> Iterator[Pool]:
    """Yield one pool per client.

    client: int64 [N], client of each training example.
    labeled_index: int64, indices of the labeled examples of all clients.
    labels: int64 [N], the oracle; only the labels at ``labeled_index`` are read.
    outputs: per role the models' outputs for all examples, ordered by client, then index.
    """
    labeled = np.zeros(len(client), dtype=bool)
    labeled[labeled_index] = True
    row = np.empty(len(client), dtype=np.int64)
    row[np.argsort(client, kind="stable")] = np.arange(len(client))
    for k, index in split_clients(client, labeled):
        known = np.count_nonzero(labeled[index])
        rows = row[index]
        yield Pool(
            client=k,
            cycle=cycle,
            num_classes=num_classes,
            index=index[known:],
            labels=np.asarray(labels[index[:known]]),
            outputs={
                role: Outputs(out.features[rows], out.logits[rows]) for role, out in outputs.items()
            },
        )
