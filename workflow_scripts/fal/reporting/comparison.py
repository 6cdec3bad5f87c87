"""Runs of other results folders, or somebody else's numbers, in one table with those of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fal.layout import setting_title
from fal.reporting.tables import by_setting, read_accuracy

_NOTES = {
    "setting": "{} has settings that this run does not have; left out: {}.",
    "labels": (
        "{} does not have this run's cycles with this run's numbers of labeled images; left out: "
        "{}."
    ),
    "cycles": "{} has cycles that this run does not have; compared without them: {}.",
    "start": (
        "{} has other accuracies than this run before any query, with the same seeds: it was "
        "trained otherwise or from other labels, so differences are not those of strategies "
        "alone: {}."
    ),
}


def read(runs: str | Path, compare: Mapping[str, str | Path]) -> tuple[pd.DataFrame, list[str]]:
    """The accuracy table of a run, joined with others (their paths by label): see ``joined``."""
    others = {label: read_accuracy(path) for label, path in compare.items()}
    return joined(read_accuracy(runs), others)


def joined(
    table: pd.DataFrame, others: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a run and those of others that can be compared with them.

    A strategy of another table is called by its own name and the table's label: ``ifal (before)``.
    Comparable are the settings that the run has too, with as many labeled images in each of the
    run's cycles; further cycles of the others are left out.

    table, others (by label): rows as of ``fal.reporting.tables.read_accuracy``.

    Returns the rows, and sentences that say what was left out and what is doubtful.
    """
    own = {setting_title(setting): rows for setting, rows in by_setting(table)}
    parts, notes = [table], []
    for label, other in others.items():
        found: dict[str, list[str]] = {reason: [] for reason in _NOTES}
        for setting, rows in by_setting(other):
            title = setting_title(setting)
            if title not in own:
                found["setting"].append(title)
                continue
            here = own[title]
            shared = rows[rows["cycle"].isin(here["cycle"])]
            if _labels(shared) != _labels(here):
                found["labels"].append(title)
                continue
            if len(shared) < len(rows):
                found["cycles"].append(title)
            if not _start_alike(here, shared):
                found["start"].append(title)
            parts.append(shared.assign(strategy=shared["strategy"] + f" ({label})"))
        notes += [
            _NOTES[reason].format(label, _listed(titles))
            for reason, titles in found.items()
            if titles
        ]
    return pd.concat(parts, ignore_index=True), notes


def _labels(rows: pd.DataFrame) -> set[tuple[int, float]]:
    """Each cycle with its number of labeled images."""
    return set(zip(rows["cycle"], rows["labeled"], strict=True))


def _start_alike(here: pd.DataFrame, there: pd.DataFrame) -> bool:
    """Whether runs of the same seeds have the same accuracy before any query.

    A strategy that trains by a loss of its own has an accuracy of its own, so of each seed one that
    is the same is enough.
    """
    starts = [rows[rows["cycle"] == 0].groupby("seed")["accuracy"] for rows in (here, there)]
    first, second = ({seed: own.to_numpy() for seed, own in start} for start in starts)
    return all(
        np.isclose(first[seed][:, None], second[seed], rtol=0, atol=1e-3).any()
        for seed in first.keys() & second.keys()
    )


def _listed(titles: Sequence[str], most: int = 3) -> str:
    more = f" and {len(titles) - most} more" if len(titles) > most else ""
    return "; ".join(titles[:most]) + more
