"""What a paper claims, each with a test that was fixed beforehand, and what the runs say to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml

from fal.errors import InputError
from fal.layout import SETTING, factor_title
from fal.options import Options, parse
from fal.reporting import statistics
from fal.reporting.formats import Texts
from fal.reporting.tables import by_setting
from fal.reporting.verdicts import verdict_table

COLUMNS = [
    *("id", "runs", "strategy", "reference", "by", "difference", "low", "high", "p", "seeds"),
    *("verdict", "missing", "comparisons"),
]
_NUMBERS = ("difference", "low", "high", "seeds")
_TOLD = ["id", "runs", "comparison", "difference", "95 % interval", "p", "seeds", "verdict"]
HOLDS, CONTRADICTED, OPEN, NOT_RUN = "holds", "contradicted", "open", "not run"

MARGIN = 1.0
"""Percentage points within which strategies count as equal."""

NOTE = (
    f"A claim of several comparisons holds if each has p ≤ {statistics.LEVEL} (exact one-sided "
    "Wilcoxon, paired by seed; all have to hold, so none is corrected), and is contradicted if one "
    "is that clear the other way after Holm's correction. Equal means an interval of 95 % within "
    f"±{MARGIN:g} point, of as many seeds as could give such a p. Each run is judged by itself: "
    "were all strategies alike, a claim of one comparison would still hold in one of 32 runs of "
    "five seeds. Named is the comparison that is the least in favor of the claim."
)


@dataclass(frozen=True, kw_only=True)
class Claim(Options):
    """One claim and its test: each of ``strategies`` against each of ``than``."""

    id: str
    claim: str
    source: str
    """Where the paper says so."""
    by: Literal["area", "final", "last5", "balanced_accuracy", "macro_f1", "worst_client"]
    """What is compared; see ``fal.reporting.verdicts``."""
    strategies: tuple[str, ...]
    than: tuple[str, ...]
    expects: Literal["above", "below", "equal"]
    data: tuple[str, ...]
    """The kept runs that the test is made on."""
    remark: str
    """What was easy or hard about it."""

    @property
    def test(self) -> str:
        """What has to be so, in words."""
        asked, than = " and ".join(self.strategies), ", ".join(self.than)
        expected = {"equal": f"within ±{MARGIN:g} point of"}.get(self.expects, self.expects)
        return f"{asked} {expected} {than}, by {self.by}"


def read_claims(path: str | Path) -> list[Claim]:
    """The claims of a YAML file; raises InputError for the first mistake in it."""
    found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError(f"'{path}' must be a list of claims, each with its id, claim, and test")
    return [parse(Claim, one, f"claim '{one.get('id', '')}' of {path}") for one in found]


def outcomes(claims: Iterable[Claim], kept: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What the runs say: a row per claim and setting it is tested in, one for its other runs.

    kept: accuracy tables (with metrics) by the names of their runs.

    Columns: id (the claim's), runs (where a run has several settings, with what differs);
    strategy, reference, by (the comparison that is the least in favor of the claim), its
    difference, low, high (percentage points) and p (of what the claim expects; NaN for "equal"),
    seeds; verdict (one of HOLDS, CONTRADICTED, OPEN, NOT_RUN); missing (how many comparisons of
    the test were not run), comparisons (how many it has).
    """
    rows = [row for claim in claims for row in _rows(claim, kept)]
    return pd.DataFrame(rows, columns=COLUMNS)


def outcome_table(found: pd.DataFrame) -> Texts:
    """``outcomes`` to be read."""
    rows = [_texts(row) for _, row in found.iterrows()]
    return Texts(pd.DataFrame(rows, columns=_TOLD))


def plan_table(claims: list[Claim], costs: Mapping[str, str]) -> Texts:
    """One row per claim: it and its test, what its runs have cost, and what was easy or hard.

    costs: in words, by the names of the runs that are there.
    """
    rows = [
        {
            "id": claim.id,
            "claim": f"{claim.claim} ({claim.source})",
            "test": claim.test,
            "cost": "; ".join(f"{name} {costs[name]}" for name in claim.data if name in costs),
            "easy or hard": claim.remark,
        }
        for claim in claims
    ]
    return Texts(pd.DataFrame(rows))


def _rows(claim: Claim, kept: Mapping[str, pd.DataFrame]) -> Iterator[dict[str, Any]]:
    for name in filter(kept.__contains__, claim.data):
        settings = by_setting(kept[name])
        differing = [f for f in SETTING if len({setting[f] for setting, _ in settings}) > 1]
        for setting, table in settings:
            compared = verdict_table(table, claim.than, [claim.by])
            judged = judge(claim, compared[compared["strategy"].isin(claim.strategies)])
            where = ", ".join(factor_title(factor, setting[factor]) for factor in differing)
            runs = f"{name}: {where}" if where else name
            yield {"id": claim.id, "runs": runs, **judged}
    if missing := [name for name in claim.data if name not in kept]:
        yield {"id": claim.id, "runs": ", ".join(missing), "verdict": NOT_RUN}


def judge(claim: Claim, compared: pd.DataFrame) -> dict[str, Any]:
    """The verdict on a claim in one setting: a row of ``outcomes`` without the claim and the run.

    compared: the rows of ``verdict_table`` that are its test.
    """
    rows = compared[compared["seeds"] > 0]
    if rows.empty:
        return {"verdict": NOT_RUN}
    comparisons = len(claim.strategies) * len(claim.than)
    missing = comparisons - len(rows)
    if claim.expects == "equal":
        favor = -rows["difference"].abs()
        enough = rows["smallest_p"] <= statistics.LEVEL
        holds = enough & (rows["low"] >= -MARGIN) & (rows["high"] <= MARGIN)
        against = enough & ((rows["low"] > MARGIN) | (rows["high"] < -MARGIN))
    else:
        above = claim.expects == "above"
        favor = rows["difference"] if above else -rows["difference"]
        p, p_against = ("p", "p_worse") if above else ("p_worse", "p")
        holds = rows[p] <= statistics.LEVEL
        against = pd.Series(statistics.holm(rows[p_against]) <= statistics.LEVEL, rows.index)
    worst = rows.iloc[int(favor.argmin())]
    all_hold = holds.all() and not missing
    verdict = CONTRADICTED if against.any() else HOLDS if all_hold else OPEN
    p_of = {"above": "p", "below": "p_worse"}.get(claim.expects)
    return {
        **{key: worst[key] for key in ("strategy", "reference", *_NUMBERS)},
        "by": claim.by,
        "p": worst[p_of] if p_of else np.nan,
        "verdict": verdict,
        "comparisons": comparisons,
        "missing": missing,
    }


def _texts(row: pd.Series) -> dict[str, str]:
    """A row of ``outcomes`` in words."""
    if row["verdict"] == NOT_RUN:
        return {"id": row["id"], "runs": row["runs"], "verdict": NOT_RUN}
    known = not pd.isna(row["low"])
    told = f"; {row['missing']:.0f} of {row['comparisons']:.0f} comparisons not run"
    return {
        "id": row["id"],
        "runs": row["runs"],
        "comparison": f"{row['strategy']} against {row['reference']}, {row['by']}",
        "difference": f"{row['difference']:+.2f}",
        "95 % interval": f"[{row['low']:+.2f}, {row['high']:+.2f}]" if known else "",
        "p": "" if pd.isna(row["p"]) else f"{row['p']:.3g}",
        "seeds": f"{row['seeds']:.0f}",
        "verdict": row["verdict"] + (told if row["missing"] else ""),
    }
