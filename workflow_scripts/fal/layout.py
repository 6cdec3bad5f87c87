"""Every path of a run, stated once.

A path has one segment for each factor that it depends on, so that a changed factor makes what
depends on it anew and leaves the rest. Paths are patterns with Snakemake's wildcards; ``fill``
puts a run's factors in, and ``parse_path`` reads them back.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from fal.errors import InputError

SHARED = "initial"
"""The strategy under which the models of a cycle 0 that all strategies share are kept."""

REMOVED_AFTER_USE = ("clients.safetensors", "kd.safetensors")
"""Files of a cycle that the workflow removes when nothing needs them any more."""

SETTING = ("dataset", "model", "alpha", "clients", "algorithm")
"""The factors of a setting, in the order in which they are named to people."""

RUN = (*SETTING, "seed", "strategy", "cycle")
"""The factors of one cycle of one run."""

_DATA = "{dataset}"
_PARTITION = "{dataset}/alpha-{alpha}/clients-{clients}/seed-{seed}"
_CYCLE = f"{_PARTITION}/{{model}}/{{algorithm}}/{{strategy}}/cycle-{{cycle}}"
_SETTING_NAME = "{dataset}_{model}_alpha-{alpha}_clients-{clients}_{algorithm}"
_PARTITION_NAME = "{dataset}_alpha-{alpha}_clients-{clients}_seed-{seed}"

_PARTITION_GROUPS = (
    r"(?P<dataset>[^/]+)/alpha-(?P<alpha>[^/]+)/clients-(?P<clients>\d+)/seed-(?P<seed>\d+)"
)
_PARTITION_PATH = re.compile(rf"partitions/{_PARTITION_GROUPS}/[^/]+$")
_CYCLE_PATH = re.compile(
    rf"runs/{_PARTITION_GROUPS}"
    r"/(?P<model>[^/]+)/(?P<algorithm>[^/]+)/(?P<strategy>[^/]+)/cycle-(?P<cycle>\d+)(?:/[^/]*)?$"
)

NO_ALPHA = "none"
"""The alpha in the paths of partitions that depend on none; as a factor it is an empty text."""


def _alpha(text: Any) -> float | str:
    return "" if text in ("", NO_ALPHA) else float(text)


_TYPES: dict[str, Callable[[Any], Any]] = {
    "alpha": _alpha,
    "clients": int,
    "seed": int,
    "cycle": int,
}


@dataclass(frozen=True)
class Layout:
    """The paths below ``results``, the folder that everything of a run is written to."""

    results: str

    def data(self, name: str) -> str:
        """A file of a prepared data set."""
        return f"{self.results}/data/{_DATA}/{name}"

    def partition(self, name: str) -> str:
        """A file that says who holds what, or what is labeled at the start."""
        return f"{self.results}/partitions/{_PARTITION}/{name}"

    def cycle(self, name: str) -> str:
        """A file of one cycle of one run."""
        return f"{self.results}/runs/{_CYCLE}/{name}"

    def table(self, name: str) -> str:
        return f"{self.results}/tables/{name}"

    def figure(self, name: str) -> str:
        return f"{self.results}/figures/{name}"

    @property
    def report(self) -> str:
        return f"{self.results}/report.html"

    @property
    def provenance(self) -> str:
        return f"{self.results}/provenance.json"

    def log(self, rule: str, of: str = "", suffix: str = ".log") -> str:
        """The log of a rule (suffix ``.benchmark.tsv``: its benchmark).

        of: what its jobs are about: ``data``, ``partition``, ``cycle``, a pattern, or nothing.
        """
        pattern = {"data": _DATA, "partition": _PARTITION, "cycle": _CYCLE}.get(of, of)
        return f"{self.results}/logs/{rule}{'/' if pattern else ''}{pattern}{suffix}"


def fill(pattern: str, factors: Mapping[str, Any], **more: Any) -> str:
    """``pattern`` with the values of ``factors`` and ``more`` in the place of its wildcards."""
    values = {**factors, **more}
    if values.get("alpha") == "":
        values["alpha"] = NO_ALPHA
    return pattern.format(**values)


def setting_name(setting: Mapping[str, Any]) -> str:
    """A setting as part of a file's name: digits_cnn_alpha-0.1_clients-10_fedavg."""
    return fill(_SETTING_NAME, setting)


def setting_title(setting: Mapping[str, Any]) -> str:
    """A setting in words: 'digits, cnn, alpha 0.1, 10 clients, fedavg'."""
    return ", ".join(factor_title(factor, setting[factor]) for factor in SETTING)


def factor_title(factor: str, value: Any) -> str:
    """One factor in words: 'alpha 0.1' ('no alpha'), '10 clients'; names speak for themselves."""
    if factor == "alpha":
        alpha = _alpha(value)
        return f"alpha {format_number(alpha)}" if isinstance(alpha, float) else "no alpha"
    return f"{value} clients" if factor == "clients" else str(value)


def partition_name(partition: Mapping[str, Any] | None = None) -> str:
    """A partition as part of a file's name, or (without one) the pattern of such names."""
    return fill(_PARTITION_NAME, partition) if partition else _PARTITION_NAME


def typed(factors: Mapping[str, Any]) -> dict[str, Any]:
    """Factors with numbers in the place of the texts that paths and wildcards have."""
    return {key: _TYPES.get(key, str)(value) for key, value in factors.items()}


def parse_path(path: str | Path) -> dict[str, Any]:
    """The factors ``RUN`` of the cycle that a folder, or a file in it, belongs to.

    Raises InputError if the path does not have the shape of ``Layout.cycle``.
    """
    shape = "runs/DATASET/alpha-A/clients-N/seed-S/MODEL/ALGORITHM/STRATEGY/cycle-M"
    return _parse(path, _CYCLE_PATH, "run's folder", shape)


def parse_partition(path: str | Path) -> dict[str, Any]:
    """The factors dataset, alpha, clients and seed of the partition that a file belongs to.

    Raises InputError if the path does not have the shape of ``Layout.partition``.
    """
    shape = "partitions/DATASET/alpha-A/clients-N/seed-S/FILE"
    return _parse(path, _PARTITION_PATH, "partition's file", shape)


def _parse(path: str | Path, pattern: re.Pattern[str], what: str, shape: str) -> dict[str, Any]:
    match = pattern.search(Path(path).as_posix())
    if match is None:
        raise InputError(f"'{path}' is no {what}: expected .../{shape}")
    return typed(match.groupdict())


def format_number(value: float | None) -> str:
    """A number as a path segment: without exponent, the same for 1 and 1.0; ``none`` for None."""
    if value is None:
        return NO_ALPHA
    return format(Decimal(repr(value)).normalize(), "f")
