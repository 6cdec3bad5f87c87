"""Accuracy tables: one row per run and cycle, their summary over seeds, and one to read."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fal.errors import InputError
from fal.reporting.formats import mean_and_spread, plain

SETTING = ["dataset", "model", "alpha", "clients", "algorithm"]
RUN = [*SETTING, "seed", "strategy", "cycle"]
COLUMNS = [
    "dataset",
    "alpha",
    "clients",
    "algorithm",
    "strategy",
    "seed",
    "cycle",
    "labeled",
    "labeled_fraction",
    "accuracy",
    "accuracy_last5",
    "model",
]
SHARED = "initial"
AREA = "mean after cycle 0"


_RUN = re.compile(
    r"runs/(?P<dataset>[^/]+)/alpha-(?P<alpha>[^/]+)/clients-(?P<clients>\d+)/seed-(?P<seed>\d+)"
    r"/(?P<model>[^/]+)/(?P<algorithm>[^/]+)/(?P<strategy>[^/]+)/cycle-(?P<cycle>\d+)(?:/[^/]*)?$"
)
_TYPES = {"alpha": float, "clients": int, "seed": int, "cycle": int}


def parse_path(path: str | Path) -> dict:
    """The factors of a run (dataset, alpha, ..., cycle) from its folder or a file in it.

    Raises InputError if the path does not have a run's shape.
    """
    match = _RUN.search(Path(path).as_posix())
    if match is None:
        raise InputError(
            f"'{path}' is no run's folder: expected .../runs/DATASET/alpha-A/clients-N/seed-S/"
            "MODEL/ALGORITHM/STRATEGY/cycle-M"
        )
    return {key: _TYPES.get(key, str)(value) for key, value in match.groupdict().items()}


def read_record(path: str | Path) -> dict:
    """One run's factors and what its result.json says.

    Raises InputError if the file is not readable as a result.
    """
    try:
        result = json.loads(Path(path).read_text())
        values = {key: result[key] for key in ("accuracy", "labeled", "labeled_fraction")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{path}' is not a run's result ({error}); run its cycle again") from None
    return {**parse_path(path), **values, "accuracy_last5": result.get("accuracy_last5")}


def accuracy_table(records: Iterable[Mapping]) -> pd.DataFrame:
    """One row per setting, strategy, seed and cycle, sorted, with the columns ``COLUMNS``.

    A cycle that strategies share (strategy ``initial``) is repeated for each strategy of its
    setting and seed that has no such cycle of its own.

    Raises InputError if there are no records, or two of the same run and cycle.
    """
    known = {}
    strategies = defaultdict(set)
    for record in records:
        key = _key(record)
        if key in known:
            raise InputError(f"two results of the same run and cycle: {key}")
        known[key] = record
        if record["strategy"] != SHARED:
            strategies[_where(record)].add(record["strategy"])
    if not known:
        raise InputError("there are no results to collect")
    rows = []
    for record in known.values():
        names = {record["strategy"]}
        if record["strategy"] == SHARED:
            names = strategies.get(_where(record), names)
        for name in names:
            row = {**record, "strategy": name}
            if record["strategy"] == name or _key(row) not in known:
                rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"accuracy_last5": float})
    return table.sort_values([*SETTING, "strategy", "seed", "cycle"], ignore_index=True)


def _where(record: Mapping) -> tuple:
    return tuple(record[column] for column in [*SETTING, "seed"])


def _key(record: Mapping) -> tuple:
    return tuple(record[column] for column in RUN)


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


def ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Strategies of each setting by the area under their curve, the best first.

    The area is a seed's mean accuracy over the cycles that follow a query (cycle >= 1; where
    there are none, cycle 0). Columns: the setting, strategy, area_mean, area_std (over seeds;
    empty for one), rank (1 is best, equals share the better one).
    """
    queried = table[table["cycle"] >= 1] if (table["cycle"] >= 1).any() else table
    areas = queried.groupby([*SETTING, "strategy", "seed"], as_index=False)["accuracy"].mean()
    ranks = areas.groupby([*SETTING, "strategy"], as_index=False).agg(
        area_mean=("accuracy", "mean"), area_std=("accuracy", "std")
    )
    by_setting = ranks.groupby(SETTING)["area_mean"]
    ranks["rank"] = by_setting.rank(ascending=False, method="min").astype(int)
    return ranks.sort_values([*SETTING, "rank", "strategy"], ignore_index=True)


def wide_tables(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Per setting (its title) a table to read: strategies, best first, by labeled fraction.

    Cells are 'mean ± std' in percent over seeds, or 'mean' where there is one seed. Columns:
    strategy, rank, the area under the curve, and one per cycle, named by its labeled fraction.
    """
    summary = summary_table(table)
    ranks = ranking(table).set_index([*SETTING, "strategy"])
    tables = {}
    for setting, group in summary.groupby(SETTING):
        names = _percent_names(group.groupby("cycle")["labeled_fraction"].mean())
        rows = []
        for strategy in ranks.loc[setting].index:
            best = ranks.loc[(*setting, strategy)]
            row = {"strategy": strategy, "rank": str(int(best["rank"]))}
            row[AREA] = mean_and_spread(best["area_mean"], best["area_std"])
            row |= dict.fromkeys(names.values(), "")
            for cycle in group[group["strategy"] == strategy].itertuples():
                row[names[cycle.cycle]] = mean_and_spread(cycle.accuracy_mean, cycle.accuracy_std)
            rows.append(row)
        tables[setting_title(dict(zip(SETTING, setting, strict=True)))] = pd.DataFrame(rows)
    return tables


def setting_title(setting: Mapping) -> str:
    """A setting in words: 'digits, cnn, alpha 0.1, 10 clients, fedavg'."""
    return (
        f"{setting['dataset']}, {setting['model']}, alpha {plain(float(setting['alpha']))}, "
        f"{setting['clients']} clients, {setting['algorithm']}"
    )


def _percent_names(fractions: pd.Series) -> dict[int, str]:
    """Column names such as '15 %', with the fewest decimals that tell the cycles apart."""
    for decimals in range(5):
        names = {cycle: f"{100 * value:.{decimals}f} %" for cycle, value in fractions.items()}
        exact = all(abs(float(names[c][:-2]) - 100 * v) < 0.05 for c, v in fractions.items())
        if exact and len(set(names.values())) == len(names):
            return names
    return {cycle: f"cycle {cycle}" for cycle in fractions.index}


def read_accuracy(path: str | Path) -> pd.DataFrame:
    """Read accuracy.csv; names stay texts, even such as '10' or 'null'."""
    names = ["dataset", "model", "algorithm", "strategy"]
    return pd.read_csv(
        path,
        dtype=dict.fromkeys(names, str),
        keep_default_na=False,
        na_values={"accuracy_last5": [""]},
    )


def of_setting(table: pd.DataFrame, setting: Mapping) -> pd.DataFrame:
    """The rows of one setting, whose numbers may be given as texts."""
    same = [table[column] == _TYPES.get(column, str)(setting[column]) for column in SETTING]
    return table[np.logical_and.reduce(same)]


def stacked(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Titled tables as one, with the title as the first column, setting."""
    parts = [table.assign(setting=title) for title, table in tables.items()]
    whole = pd.concat(parts, ignore_index=True)
    return whole[["setting", *whole.columns.drop("setting")]]


def code_digests(paths: Sequence[str | Path]) -> dict[str, int]:
    """How many steps of these runs were made by each state of the code.

    paths: result.json files; all provenance files beside them count. Those of the queries after a
    shared cycle 0 lie in the strategies' own folders and do not.
    """
    digests = Counter()
    for folder in {Path(path).parent for path in paths}:
        for provenance in folder.glob("*provenance.json"):
            digests[json.loads(provenance.read_text()).get("code", "unknown")] += 1
    return dict(sorted(digests.items()))


def mixture_warning(digests: Mapping[str, int]) -> str:
    """A sentence for results of several versions of the code, or nothing."""
    if len(digests) < 2:
        return ""
    counts = ", ".join(f"{count} steps by {digest[:8]}" for digest, count in digests.items())
    return (
        f"These results were computed by {len(digests)} versions of the code ({counts}); "
        "--forcerun prepare_dataset computes them all by one."
    )
