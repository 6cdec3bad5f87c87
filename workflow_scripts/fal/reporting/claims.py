"""What a paper claims, each with a test that was fixed beforehand, and what the runs say to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml

from fal.errors import InputError
from fal.layout import setting_title
from fal.options import Options, parse
from fal.reporting import statistics
from fal.reporting.formats import Texts
from fal.reporting.tables import by_setting
from fal.reporting.verdicts import verdict_table

COLUMNS = ["id", "runs", "comparison", "difference", "95 % interval", "p", "seeds", "verdict"]
NOT_RUN = "not run"

MARGIN = 1.0
"""Percentage points within which strategies count as equal."""

NOTE = (
    f"A claim of several comparisons holds if each has p ≤ {statistics.LEVEL} (exact one-sided "
    "Wilcoxon, paired by seed; all have to hold, so none is corrected), and is contradicted if one "
    "is that clear the other way after Holm's correction. Equal means an interval of 95 % within "
    f"±{MARGIN:g} point, of as many seeds as could give such a p. Each run is judged by itself: "
    "were all strategies alike, a claim of one comparison would still hold in one of seven runs of "
    "five seeds in 20 % of the cases. Named is the comparison that is the least in favor of the "
    "claim."
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


def outcome_table(claims: list[Claim], kept: Mapping[str, pd.DataFrame]) -> Texts:
    """One row per claim and setting it is tested in, and one for its runs that are not there.

    The setting is named where a run has several.

    kept: accuracy tables (with metrics) by the names of their runs.
    """
    rows = [row for claim in claims for row in _rows(claim, kept)]
    return Texts(pd.DataFrame(rows, columns=COLUMNS))


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
        for setting, table in settings:
            compared = verdict_table(table, claim.than, [claim.by])
            judged = judge(claim, compared[compared["strategy"].isin(claim.strategies)])
            runs = f"{name}: {setting_title(setting)}" if len(settings) > 1 else name
            yield {"id": claim.id, "runs": runs, **judged}
    if missing := [name for name in claim.data if name not in kept]:
        yield {"id": claim.id, "runs": ", ".join(missing), "verdict": NOT_RUN}


def judge(claim: Claim, compared: pd.DataFrame) -> dict[str, Any]:
    """The verdict on a claim in one setting, and the comparison the least in favor of it.

    compared: the rows of ``verdict_table`` that are its test.
    """
    rows = compared[compared["seeds"] > 0]
    missing = len(claim.strategies) * len(claim.than) - len(rows)
    if rows.empty:
        return {"verdict": NOT_RUN}
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
    verdict = "contradicted" if against.any() else "holds" if holds.all() else "open"
    if missing:
        verdict = "open" if verdict == "holds" else verdict
        verdict += f"; {missing} of {missing + len(rows)} comparisons not run"
    low, high = worst["low"], worst["high"]
    p_of = {"above": "p", "below": "p_worse"}.get(claim.expects)
    return {
        "comparison": f"{worst['strategy']} against {worst['reference']}, {claim.by}",
        "difference": f"{worst['difference']:+.2f}",
        "95 % interval": "" if pd.isna(low) else f"[{low:+.2f}, {high:+.2f}]",
        "p": f"{worst[p_of]:.3g}" if p_of else "",
        "seeds": f"{worst['seeds']:.0f}",
        "verdict": verdict,
    }
