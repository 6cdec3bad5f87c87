"""The claims at a glance: what each run says to each of them, with its interval."""

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from fal.reporting.claims import CONTRADICTED, HOLDS, MARGIN, NOT_RUN, OPEN, Claim
from fal.reporting.drawing import legend_below, literal
from fal.reporting.statistics import LEVEL, seed_count, smallest_p

_LOOKS = {HOLDS: ("#009e73", "o"), OPEN: ("#777777", "D"), CONTRADICTED: ("#d55e00", "X")}
_CLAIMED = "#e3f1ec"
_FAR = 100.0
_ROW, _TITLE = 0.19, 0.42
"""Inches from one run to the next, and of what is around them."""


def claims_figure(claims: Sequence[Claim], outcomes: pd.DataFrame, width: float) -> Figure:
    """A panel for each claim that was tested, with a row for each run, and in it the comparison
    that is the least in favor of the claim. Where the claim would have it is shaded.

    outcomes: of ``fal.reporting.claims.outcomes``. width: in inches.

    Panels stand in two columns and share their x axis.
    """
    tested = outcomes[outcomes["verdict"] != NOT_RUN]
    shown = [claim for claim in claims if (tested["id"] == claim.id).any()]
    lines = 1.4 * matplotlib.rcParams["font.size"] / 72
    rows = [tested[tested["id"] == claim.id] for claim in shown]
    pairs = [rows[place : place + 2] for place in range(0, len(rows), 2)]
    heights = [_TITLE + lines + _ROW * max(map(len, pair)) for pair in pairs]
    figure = Figure(figsize=(width, sum(heights) + 0.5), layout="constrained")
    grid = figure.subplots(
        len(pairs), 2, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights}
    )
    axes_of = list(grid.flat)
    for axes, claim, own in zip(axes_of, shown, rows, strict=False):
        _draw(axes, claim, own)
    for axes in axes_of[len(shown) :]:
        axes.set_visible(False)
    ends = tested[["difference", "low", "high"]].to_numpy(float)
    axes_of[0].set_xlim(np.nanmin(ends) - 0.2, np.nanmax(ends) + 0.2)
    for axes in axes_of[max(0, len(shown) - 2) : len(shown)]:
        axes.set_xlabel("difference (percentage points)")
        axes.tick_params(labelbottom=True)
    handles: list[Artist] = [Line2D([], [], label=verdict, **_look(verdict)) for verdict in _LOOKS]
    legend_below(figure, [*handles, Patch(color=_CLAIMED, label="as claimed")])
    return figure


def _draw(axes: Axes, claim: Claim, rows: pd.DataFrame) -> None:
    ends = {"above": (0, _FAR), "below": (-_FAR, 0), "equal": (-MARGIN, MARGIN)}
    low, high = ends[claim.expects]
    axes.axvspan(low, high, color=_CLAIMED, zorder=0)
    axes.axvline(0, color="#222222", linewidth=0.8)
    labels = []
    for place, (_, row) in enumerate(rows.iterrows()):
        interval = [row["low"], row["difference"], row["high"]]
        axes.plot(interval, [place] * 3, markevery=[1], **_look(row["verdict"]))
        labels.append(literal(textwrap.fill(_label(claim, row), 38, break_on_hyphens=False)))
    axes.set_yticks(range(len(labels)), labels, fontsize="x-small")
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    title = textwrap.fill(f"{claim.claim} (by\N{NO-BREAK SPACE}{claim.by})", 46)
    axes.set_title(literal(title), loc="left", fontsize="small")


def _label(claim: Claim, row: pd.Series) -> str:
    """The run; where a claim has several strategies or references, which of them it shows; and how
    many seeds, where so few can decide nothing."""
    several = {"strategy": claim.strategies, "reference": claim.than}
    named = [row[key] for key, names in several.items() if len(names) > 1]
    if smallest_p(row["seeds"]) > LEVEL:
        named.append(seed_count(row["seeds"]))
    return f"{row['runs']} ({', '.join(named)})" if named else row["runs"]


def _look(verdict: str) -> dict[str, Any]:
    color, marker = _LOOKS[verdict]
    return {"color": color, "marker": marker, "markersize": 5, "linewidth": 1.4}
