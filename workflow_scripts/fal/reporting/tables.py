"""Accuracy tables: one row per run and cycle, their summary over seeds, and one to read."""

import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fal.errors import InputError
from fal.layout import RUN, SETTING, SHARED, factor_title, parse_path, setting_title, typed
from fal.reporting.columns import COLUMNS, check_columns
from fal.reporting.formats import Measured
from fal.reporting.ranking import comparable_rows, ranking

WHOLE = ("clients", "seed", "cycle")
NUMBERS = (*WHOLE, "labeled", "labeled_fraction", "accuracy")
"""The columns whose every cell is a number."""

AREA = "area"


def read_record(path: str | Path) -> dict[str, Any]:
    """One cycle's factors and the numbers of its result.json.

    Raises InputError if the file is not readable as a result.
    """
    try:
        result = json.loads(Path(path).read_text())
        values = {key: result[key] for key in ("accuracy", "labeled", "labeled_fraction")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{path}' is not a run's result ({error}); run its cycle again") from None
    return {**parse_path(path), **values, "accuracy_last5": result.get("accuracy_last5")}


def accuracy_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """``run_table`` with the columns ``COLUMNS``."""
    return run_table(records).reindex(columns=COLUMNS).astype({"accuracy_last5": float})


def run_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per setting, strategy, seed and cycle, sorted by them.

    records: the factors ``RUN`` and what was found. A cycle that strategies share (strategy
    ``initial``) is repeated for each strategy of its setting and seed that has no such cycle of its
    own.

    Raises InputError if there are no records, or two of the same run and cycle.
    """
    known: dict[tuple, Mapping[str, Any]] = {}
    strategies = defaultdict(set)
    for record in records:
        key = _values(record, RUN)
        if key in known:
            raise InputError(f"two results of the same run and cycle: {key}")
        known[key] = record
        if record["strategy"] != SHARED:
            strategies[_values(record, PAIRED)].add(record["strategy"])
    if not known:
        raise InputError("there are no results to collect")
    rows = []
    for record in known.values():
        names = {record["strategy"]}
        if record["strategy"] == SHARED:
            names = strategies.get(_values(record, PAIRED), names)
        for name in names:
            row = {**record, "strategy": name}
            if record["strategy"] == name or _values(row, RUN) not in known:
                rows.append(row)
    return pd.DataFrame(rows).sort_values(
        [*SETTING, "strategy", "seed", "cycle"], ignore_index=True
    )


PAIRED = (*SETTING, "seed")
"""The factors that strategies to be compared have in common."""


def _values(record: Mapping[str, Any], factors: Iterable[str]) -> tuple:
    return tuple(record[factor] for factor in factors)


def summary_table(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (ddof 1; empty for one seed) over seeds of each cycle.

    Columns: the setting, strategy, cycle, labeled, labeled_fraction (means), seeds (how many),
    accuracy_mean, accuracy_std.
    """
    return table.groupby([*SETTING, "strategy", "cycle"], as_index=False).agg(
        labeled=("labeled", "mean"),
        labeled_fraction=("labeled_fraction", "mean"),
        seeds=("seed", "nunique"),
        accuracy_mean=("accuracy", "mean"),
        accuracy_std=("accuracy", "std"),
    )


def wide_tables(table: pd.DataFrame) -> dict[str, Measured]:
    """Per setting (its title) a table to read: strategies, best first, by labeled fraction.

    Index: strategy and rank. Columns, in percent over the seeds of
    ``fal.reporting.ranking.comparable_rows``: the area under the curve, and one per cycle, named by
    its labeled fraction. A strategy without a complete run has no area, and is never the best.
    """
    return {setting_title(setting): _wide(rows) for setting, rows in by_setting(table)}


def by_setting(table: pd.DataFrame) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """The settings of a table that has their columns, and the rows of each."""
    groups = table.groupby(list(SETTING))
    return [(dict(zip(SETTING, values, strict=True)), rows) for values, rows in groups]


def _wide(table: pd.DataFrame) -> Measured:
    summary = summary_table(comparable_rows(table))
    ranks = ranking(table).set_index("strategy")
    names = _percent_names(summary.groupby("cycle")["labeled_fraction"].mean())

    def cells(statistic: str) -> pd.DataFrame:
        by_cycle = summary.pivot(
            index="strategy", columns="cycle", values=f"accuracy_{statistic}"
        ).rename(columns=names)
        by_cycle.insert(0, AREA, ranks[f"area_{statistic}"])
        return by_cycle.loc[ranks.index].set_index(ranks["rank"], append=True)

    mean = cells("mean")
    return Measured(mean, cells("std"), contenders=mean[AREA].notna())


def panel_title(setting: Mapping[str, Any], over: str, others: bool) -> str:
    """What sets a setting apart from those beside it, and with ``others`` the rest of it too."""
    title = factor_title(over, setting[over])
    if not others:
        return title
    rest = ", ".join(factor_title(f, setting[f]) for f in SETTING if f != over)
    return f"{title} ({rest})"


def _percent_names(fractions: pd.Series) -> dict[Hashable, str]:
    """Column names such as '15 %', with the fewest decimals that tell the cycles apart."""
    for decimals in range(5):
        names = {cycle: f"{100 * value:.{decimals}f} %" for cycle, value in fractions.items()}
        exact = all(abs(float(names[c][:-2]) - 100 * v) < 0.05 for c, v in fractions.items())
        if exact and len(set(names.values())) == len(names):
            return names
    return {cycle: f"cycle {cycle}" for cycle in fractions.index}


def read_accuracy(path: str | Path) -> pd.DataFrame:
    """Read accuracy.csv; names stay texts, even such as '10' or 'null'.

    accuracy_last5 may be missing, as in tables that others made: it is NaN then. Further columns
    are left out.

    Raises InputError if the file is none: a column is missing, a number is no number, or a run has
    a cycle twice.
    """
    check_columns(path)
    try:
        table = read_names(path)
    except ValueError as error:
        raise InputError(f"'{path}' cannot be read as an accuracy table ({error})") from None
    if "accuracy_last5" not in table:
        table["accuracy_last5"] = np.nan
    for column in NUMBERS:
        numbers = pd.to_numeric(table[column], errors="coerce")
        for value in table[column][numbers.isna()].head(1):
            raise InputError(
                f"'{path}' is no accuracy table: its column {column} has "
                f"{'nothing' if pd.isna(value) else value}, which is no number"
            )
        if column in WHOLE:
            for value in table[column][numbers % 1 != 0].head(1):
                raise InputError(
                    f"'{path}' is no accuracy table: its column {column} has {value}, which is no "
                    "whole number"
                )
            table[column] = numbers.astype(int)
    for run in table[table.duplicated(list(RUN))][list(RUN)].to_dict("records")[:1]:
        raise InputError(f"'{path}' has two rows of the same run and cycle: {run}")
    return table[COLUMNS]


def read_names(path: str | Path) -> pd.DataFrame:
    """Read a table of runs; their names stay texts, even such as '10' or 'null'."""
    names = ["dataset", "model", "algorithm", "strategy"]
    columns = pd.read_csv(path, nrows=0).columns.difference([*names, "alpha"])
    table = pd.read_csv(
        path,
        dtype=dict.fromkeys(names, str),
        keep_default_na=False,
        na_values={column: [""] for column in columns},
    )
    if "alpha" in table:
        # A partition that has none has an empty text; others are numbers.
        table["alpha"] = [typed({"alpha": value})["alpha"] for value in table["alpha"]]
    return table


def of_setting(table: pd.DataFrame, setting: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of one setting, whose numbers may be given as texts."""
    same = [table[factor] == typed(setting)[factor] for factor in SETTING]
    return table[np.logical_and.reduce(same)]


def compared(paths: Mapping[str, str], setting: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """The rows of a setting in other accuracy tables, by label, of those that have it.

    paths: of the tables, by label.
    """
    found = {label: of_setting(read_accuracy(path), setting) for label, path in paths.items()}
    return {label: table for label, table in found.items() if len(table)}


def stacked(tables: Mapping[str, Measured]) -> pd.DataFrame:
    """Titled tables as one of texts, with the title as the first column, setting."""
    parts = [table.texts().assign(setting=title) for title, table in tables.items()]
    whole = pd.concat(parts, ignore_index=True)
    return whole[["setting", *whole.columns.drop("setting")]]
