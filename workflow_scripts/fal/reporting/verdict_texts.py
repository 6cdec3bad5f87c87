"""Verdicts as tables to read, and what has to be said beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from fal.layout import SETTING, setting_title
from fal.reporting.formats import Texts
from fal.reporting.verdicts_across import CriticalDifference

NOTE = (
    "Each strategy against a reference, paired by seed: mean difference in percentage points with "
    "its interval of 95 % (BCa bootstrap), Hodges-Lehmann estimate, share of seeds in which it is "
    "ahead, exact one-sided p of Wilcoxon's signed-rank test that it is better, and that it is "
    "worse; in parentheses with Holm's correction for all strategies of the table by the same "
    "measure. The smallest p is the least that so many seeds can give: above 0.05 they can decide "
    "nothing. Intervals from few seeds are too narrow: those called 95 % cover the true difference "
    "in 50, 73, 84, 90 and 93 % of the cases with 2, 3, 5, 10 and 20 seeds. After each query: the "
    "differences in accuracy then, with their intervals. Labels: how many "
    "labeled images it takes to be as accurate as the reference is in the end, and how many fewer "
    "that are than the reference needs; medians over the seeds, empty where too few get there."
)
ACROSS_NOTE = (
    "Strategies over all settings together, by the area under their curves. Above a reference: "
    "interquartile mean of the differences of all pairs, in percentage points, with its interval "
    "of 95 % (bootstrap stratified by setting; too narrow where a setting has few seeds). "
    "Penalties: in how many settings the strategy of the row beats that of the column, each cycle "
    "after a query counting by its share (paired t-test at 5 %); the mean of a column is how often "
    "its strategy is beaten, the smaller the better."
)

_MEASURES = {
    "area": "area",
    "final": "final",
    "last5": "last five rounds",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "worst_client": "worst client",
}


def sentences(found: pd.DataFrame) -> dict[str, str]:
    """The verdicts of ``fal.reporting.verdicts.sentence_table``, by title."""
    return {
        setting_title(dict(zip(SETTING, setting, strict=True))): f"{verdict}."
        for *setting, verdict in found[[*SETTING, "verdict"]].itertuples(index=False)
    }


def every_comparison(
    verdicts: pd.DataFrame, by_cycle: pd.DataFrame, saved: pd.DataFrame
) -> dict[str, Texts]:
    """All tables of the three below, by title."""
    return comparisons(verdicts) | after_queries(by_cycle) | labels(saved)


def comparisons(verdicts: pd.DataFrame) -> dict[str, Texts]:
    """Per setting and reference a table of ``fal.reporting.verdicts.verdict_table``, by title."""
    return {
        title: Texts(
            pd.DataFrame(
                {
                    "strategy": rows["strategy"],
                    "by": rows["measure"].map(_MEASURES),
                    "accuracy": _written(rows["mean"], ".2f"),
                    "difference": _written(rows["difference"], "+.2f"),
                    "95 % interval": _intervals(rows),
                    "decision": [text.partition("; ")[2] or text for text in rows["verdict"]],
                    "Hodges-Lehmann": _written(rows["hodges_lehmann"], "+.2f"),
                    "ahead": _written(rows["win_ratio"], ".0%"),
                    "p better": _corrected(rows, "p"),
                    "p worse": _corrected(rows, "p_worse"),
                    "seeds": rows["seeds"],
                    "smallest p": _corrected(rows, "smallest_p"),
                }
            )
        )
        for title, compared in _by_reference(verdicts)
        for rows in [_best_first(compared)]
    }


def _best_first(compared: pd.DataFrame) -> pd.DataFrame:
    """The rows of one table: measure by measure, in the order of ``_MEASURES``."""
    place = compared["measure"].map({measure: k for k, measure in enumerate(_MEASURES)})
    ordered = compared.assign(place=place)
    return ordered.sort_values(["place", "difference"], ascending=[True, False])


def after_queries(verdicts: pd.DataFrame) -> dict[str, Texts]:
    """Per setting and reference a table of ``fal.reporting.verdicts.cycle_verdicts``, by title.

    The differences with their intervals, a column for each query, best after the last first; none
    of a setting with a single query, whose differences are those in the end.
    """
    return {
        f"{title}, after each query": Texts(_after_queries(rows))
        for title, rows in _by_reference(verdicts)
        if rows["cycle"].nunique() > 1
    }


def _after_queries(rows: pd.DataFrame) -> pd.DataFrame:
    last = rows[rows["cycle"] == rows["cycle"].max()]
    best_first = last.sort_values("difference", ascending=False)["strategy"]
    written = _written(rows["difference"], "+.2f").fillna("") + " " + _intervals(rows)
    cells = rows.assign(written=written.str.strip()).pivot(
        index="strategy", columns="cycle", values="written"
    )
    cells.columns = [f"query {cycle}" for cycle in cells.columns]
    return cells.loc[best_first].reset_index()


def labels(saved: pd.DataFrame) -> dict[str, Texts]:
    """Per setting and reference a table of ``fal.reporting.verdicts.labels_table``, by title."""
    return {
        f"{title}, labels": Texts(
            pd.DataFrame(
                {
                    "strategy": rows["strategy"],
                    "accuracy to reach": _written(rows["target"], ".2f"),
                    "labels needed": _written(rows["needed"], ".0f"),
                    "labels saved": _written(rows["saved"], "+.0f"),
                    "reached in": rows["reached"].astype(str) + " of " + rows["seeds"].astype(str),
                }
            )
        )
        for title, rows in _by_reference(saved)
    }


def across(
    ranks: CriticalDifference | None, aggregates: pd.DataFrame, penalties: pd.DataFrame
) -> dict[str, Texts]:
    """The tables of ``fal.reporting.verdicts_across``, by title."""
    found = {}
    if ranks:
        places = pd.DataFrame({"strategy": ranks.ranks.index, "rank": ranks.ranks.to_numpy()})
        found["Average ranks"] = Texts(places.assign(rank=_written(places["rank"], ".2f")))
    for reference, rows in aggregates.groupby("reference", sort=False):
        rows = rows.sort_values("iqm", ascending=False)
        found[f"Above {reference}"] = Texts(
            pd.DataFrame(
                {
                    "strategy": rows["strategy"],
                    "interquartile mean": _written(rows["iqm"], "+.2f"),
                    "95 % interval": _intervals(rows),
                    "settings": rows["settings"],
                    "pairs": rows["pairs"],
                }
            )
        )
    whole = pd.concat([penalties, penalties.mean().to_frame("mean").T])
    written = whole.map("{:.2f}".format).rename_axis("beats")
    found["Penalties"] = Texts(written.reset_index())
    return found


def _by_reference(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for (*setting, reference), rows in table.groupby([*SETTING, "reference"], sort=False):
        title = setting_title(dict(zip(SETTING, setting, strict=True)))
        yield f"{title}: against {reference}", rows


def _written(numbers: pd.Series, how: str) -> pd.Series:
    return numbers.map(f"{{:{how}}}".format, na_action="ignore")


def _intervals(rows: pd.DataFrame) -> list[str]:
    return [
        "" if pd.isna(low) else f"[{low:+.2f}, {high:+.2f}]"
        for low, high in zip(rows["low"], rows["high"], strict=True)
    ]


def _corrected(rows: pd.DataFrame, p: str) -> list[str]:
    """A p and, in parentheses, what Holm's correction makes of it."""
    return [
        "" if pd.isna(value) else f"{value:.3g} ({corrected:.3g})"
        for value, corrected in zip(rows[p], rows[f"{p}_holm"], strict=True)
    ]
