"""A checked configuration: what every step goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from fal.configuration import Configuration
from fal.data.kinds import KINDS
from fal.data.kinds.base import DatasetKind
from fal.data.oracles import ORACLES
from fal.data.partitions import PARTITIONS
from fal.data.prepared import settled_fingerprint, settled_options
from fal.data.sites import number_of_sites
from fal.entries import create
from fal.errors import InputError
from fal.layout import Layout, fill

SITES = {"method": "sites"}
"""The partition where each site is a client."""


@dataclass(frozen=True)
class Settings(Configuration):
    """A checked configuration. Entries are resolved to name -> options.

    datasets: {kind, ...all options of the kind}. partition, oracle: {method, ...all options}.
    models, algorithms: the same by name. strategies: {method, ...options as they were given}. All
    of it is as small as ``scale`` says. warnings: what is doubtful, in sentences.
    """

    datasets: dict[str, dict[str, Any]]  # type: ignore[assignment]
    partition: dict[str, Any]
    oracle: dict[str, Any]
    models: dict[str, dict[str, Any]]  # type: ignore[assignment]
    algorithms: dict[str, dict[str, Any]]  # type: ignore[assignment]
    strategies: dict[str, dict[str, Any]]  # type: ignore[assignment]
    warnings: tuple[str, ...] = ()

    @property
    def scale_note(self) -> str:
        """What was made smaller, for every title; empty where nothing was."""
        return self.scale.words

    def spreads(self, dataset: str) -> list[tuple[float | None, int]]:
        """Concentration (None: the partition needs none) and number of clients of all settings of a
        data set."""
        if isinstance(self.clients, Mapping):
            return [(None, self._number_of_sites(dataset))]
        return list(product(self.alphas if self.needs_alpha else [None], self.clients))

    @property
    def needs_alpha(self) -> bool:
        """Whether what clients hold depends on the concentration alpha."""
        if self.clients_from:
            return False
        return create(PARTITIONS, "partition", self.partition, "method").needs_alpha

    @property
    def clients_from(self) -> str | None:
        """Where the data sets tell of their sites, which are the clients; None: they do not."""
        return self.clients["from"] if isinstance(self.clients, Mapping) else None

    @property
    def keep_unlabeled(self) -> bool:
        """Whether images that have no label are of use."""
        return bool(create(ORACLES, "oracle", self.oracle, "method").asks_people)

    def fingerprint(self, dataset: str) -> str:
        """What a data set's files are known by: what is added or changed makes it anew."""
        return settled_fingerprint(*self._kind_and_folder(dataset))

    def prepared_by(self, dataset: str) -> dict[str, Any]:
        """Kind and options of a data set: what is changed makes it anew, another path does not."""
        return settled_options(self.datasets[dataset], *self._kind_and_folder(dataset))

    def _number_of_sites(self, dataset: str) -> int:
        try:
            return number_of_sites(*self._kind_and_folder(dataset), self.keep_unlabeled)
        except InputError as error:
            raise InputError(f"datasets.{dataset}: {error}") from None

    def _kind_and_folder(self, dataset: str) -> tuple[DatasetKind, Path]:
        """A data set as its options describe it, and the folder that it is prepared in."""
        kind = create(KINDS, f"datasets.{dataset}", self.datasets[dataset], "kind")
        prepared = fill(Layout(self.results).data("dataset.json"), {"dataset": dataset})
        return kind, Path(prepared).parent
