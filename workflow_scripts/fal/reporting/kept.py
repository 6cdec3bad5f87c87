"""Tables of long runs, kept in the repository with where they came from.

A folder docs/data/NAME has the tables of one run, ``config.yaml`` to have it again, and
``provenance.json`` with the versions of the code and the digests of all that was kept.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd
import yaml

from fal import integrity
from fal.errors import InputError
from fal.layout import RUN, Layout, typed
from fal.reporting import status, tables, verdicts
from fal.reporting.formats import Measured
from fal.reporting.ranking import with_metrics
from fal.storage import replacing, save_text

TABLES = ("accuracy.csv", "metrics.csv", "costs.csv", "queries.csv", "agreement.csv")
BY_SITE = "client_metrics.csv"
"""Kept too where each site is a client, so that clients have names."""

CONFIG, PROVENANCE = "config.yaml", "provenance.json"

LARGEST = 500_000
"""Bytes that the tables of a run may have together: the repository holds them for ever."""

RESULT = (
    *("datasets", "partition", "alphas", "clients", "models", "algorithms", "oracle"),
    *("labeling", "training", "distillation", "scale"),
)
"""Keys of the configuration in which runs that add up have to agree."""

_ADVICE = "let snakemake's same command come to its end"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True)
class Kept:
    """What was kept of one run, or of several that add up.

    records: provenance by name, with the configuration. accuracy has the metrics as columns, too.
    clients: each client's metrics, where clients are sites.
    """

    records: Mapping[str, Mapping[str, Any]]
    accuracy: pd.DataFrame
    metrics: pd.DataFrame
    clients: pd.DataFrame | None
    costs: pd.DataFrame
    queries: pd.DataFrame
    agreement: pd.DataFrame

    @property
    def name(self) -> str:
        return next(iter(self.records))

    @property
    def config(self) -> Mapping[str, Any]:
        """What all of them agree in; the rest is that of the first."""
        return self.records[self.name]["config"]

    @property
    def references(self) -> list[str]:
        """The strategies that all others are compared with."""
        return self.config["references"]

    @property
    def measures(self) -> list[str]:
        """What strategies are compared by; balanced accuracy where it is not the accuracy."""
        found = self.accuracy[["accuracy", "balanced_accuracy"]].dropna()
        same = np.allclose(found["accuracy"], found["balanced_accuracy"], atol=0.01)
        return ["area", "final", *([] if same else ["balanced_accuracy"]), "worst_client"]

    @cached_property
    def accuracies(self) -> dict[str, Measured]:
        """Per setting (its title) the table of ``fal.reporting.tables.wide_tables``."""
        return tables.wide_tables(self.accuracy)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """The table of ``fal.reporting.verdicts.verdict_table``, by ``measures``."""
        return verdicts.verdict_table(self.accuracy, self.references, self.measures)

    @cached_property
    def comparisons_by_cycle(self) -> pd.DataFrame:
        """The table of ``fal.reporting.verdicts.cycle_verdicts``."""
        return verdicts.cycle_verdicts(self.accuracy, self.references)


def keep(results: str | Path, data: Path, name: str) -> None:
    """Keep a finished run's tables, configuration and provenance in a folder of ``data``.

    Of absolute paths in them the last part alone is kept. Raises InputError if the run is not
    finished, a table is missing, damaged or too large, or the name is none for a folder.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"NAME is '{name}', but must be small letters, digits, dots and hyphens")
    layout = Layout(str(results))
    _check_finished(results)
    record = _without_folders(json.loads(_existing(layout.provenance).read_text()))
    record.pop("seal", None)
    config = record.pop("config")
    names = (*TABLES, BY_SITE) if isinstance(config["clients"], dict) else TABLES
    paths = [_existing(layout.table(name)) for name in names]
    integrity.check(paths)
    if (size := sum(path.stat().st_size for path in paths)) > LARGEST:
        raise InputError(f"the tables of '{results}' have {size} bytes, at most {LARGEST} are kept")
    folder = data / name
    save_text(folder / CONFIG, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    for path in paths:
        with replacing(folder / path.name) as temporary:
            shutil.copyfile(path, temporary)
    record["hardware"] = _hardware(results)
    files = [str(folder / name) for name in (CONFIG, *names)]
    integrity.write_record(folder / PROVENANCE, record, files)


def _check_finished(results: str | Path) -> None:
    """Raise InputError if jobs still run, or the table of accuracies lacks cycles of the run."""
    if status.look(results).running:
        raise InputError(f"a run still works in '{results}'; {_ADVICE}")
    _existing(Path(results, status.PLANNED))
    planned = [tuple(typed(run)[f] for f in RUN) for run in status.read_planned(results)]
    accuracy = _existing(Layout(str(results)).table("accuracy.csv"))
    found = set(tables.read_accuracy(accuracy)[list(RUN)].itertuples(index=False, name=None))
    if missing := len([run for run in planned if run not in found]):
        raise InputError(
            f"'{accuracy}' has {len(planned) - missing} of the run's {len(planned)} cycles: it is "
            f"not finished; {_ADVICE}, or, for what has ended, name those seeds alone and add "
            "--forcerun collect_results"
        )


def _existing(path: str | Path) -> Path:
    if not Path(path).is_file():
        raise InputError(f"'{path}' is missing: the run is not finished; {_ADVICE}")
    return Path(path)


def _hardware(results: str | Path) -> str:
    """What the jobs of the runs computed on."""
    paths = Path(results, "runs").rglob(integrity.RECORDS)
    found = {json.loads(path.read_text()).get("hardware") for path in paths}
    return ", ".join(sorted(found - {None}))


def _without_folders(value: Any) -> Any:
    """The value with the last part of each absolute path in its place."""
    if isinstance(value, dict):
        return {key: _without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_folders(inner) for inner in value]
    return PurePath(value).name if isinstance(value, str) and value[:1] in "/~" else value


def read(folders: Sequence[Path]) -> Kept:
    """What was kept in a folder, or in several whose runs add up.

    Raises InputError if there is no such folder, a file is not as it was kept, or the runs do not
    add up: they differ in more than seeds and strategies, or have one in common.
    """
    records = {folder.name: _record(folder) for folder in folders}
    for (one, first), (other, second) in pairwise(records.items()):
        if differing := _differing(first["config"], second["config"]):
            raise InputError(
                f"'{one}' and '{other}' do not add up: they differ in {', '.join(differing)}"
            )
    accuracy, measured, costs, queries, agreement = (_joined(folders, table) for table in TABLES)
    for run in accuracy[accuracy.duplicated(list(RUN))][list(RUN)].to_dict("records")[:1]:
        raise InputError(f"{' and '.join(records)} do not add up: they share the cycle {run}")
    by_site = all((folder / BY_SITE).exists() for folder in folders)
    clients = _joined(folders, BY_SITE) if by_site else None
    accuracy = with_metrics(accuracy, measured)
    return Kept(records, accuracy, measured, clients, costs, queries, agreement)


def _record(folder: Path) -> dict[str, Any]:
    """The provenance of what was kept, and the configuration, both as they were kept."""
    if not (folder / PROVENANCE).is_file():
        raise InputError(
            f"'{folder}' has no tables; make keep RESULTS=... NAME={folder.name} keeps them"
        )
    record = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    if missing := [table for table in TABLES if table not in record[integrity.OUTPUTS]]:
        raise InputError(
            f"'{folder}' has no {', '.join(missing)}: keep the run again, with "
            f"make keep RESULTS=... NAME={folder.name}"
        )
    integrity.check(folder / name for name in record[integrity.OUTPUTS])
    return {**record, "config": yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8"))}


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Keys of two configurations, and strategies that both have, that are not the same."""
    one, other = (
        {n: o for s in c["strategies"] for n, o in (s if isinstance(s, dict) else {s: {}}).items()}
        for c in (first, second)
    )
    strategies = [name for name in one if one[name] != other.get(name, one[name])]
    return [key for key in RESULT if first[key] != second[key]] + strategies


def _joined(folders: Sequence[Path], table: str) -> pd.DataFrame:
    return pd.concat([tables.read_names(f / table) for f in folders], ignore_index=True)
