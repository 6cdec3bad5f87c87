"""Learning curves that a reader can question: charts for the page, as Vega-Lite specifications."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from fal.reporting.accuracy_figures import mean_curves
from fal.reporting.drawing import strategy_styles

_SHARE = alt.X(
    "share:Q",
    title="labeled images (%)",
    scale=alt.Scale(zero=False, nice=False, padding=12),
    axis=alt.Axis(tickCount=8, format="~g"),
)
_ACCURACY = "test accuracy (%)"


COLUMNS = 4
"""Columns of a legend."""


def learning_curves(table: pd.DataFrame) -> dict[str, Any]:
    """The curves of one setting: as ``mean_curves`` has them, and each seed.

    table: rows as of ``fal.reporting.tables.accuracy_table``. A click on a strategy in the legend
    leaves it alone, one with the shift key adds it to those shown or takes it away; a box shows the
    seeds. Pointing at a curve brings it to the front and tells its numbers.
    """
    runs = _in_percent(table)[["strategy", "seed", "cycle", "labeled", "share", "accuracy"]]
    means = _in_percent(mean_curves(table))
    names = list(dict.fromkeys(table["strategy"]))
    chosen = alt.selection_point("chosen", fields=["strategy"], bind="legend")
    pointed = alt.selection_point(
        "pointed",
        fields=["strategy"],
        on="pointerover",
        clear="pointerout",
        nearest=True,
        empty=False,
    )
    seeds = alt.param(name="seeds", value=False, bind=alt.binding_checkbox(name="each seed "))
    mean = alt.Chart(means).transform_filter(chosen).encode(x=_SHARE, color=_colors(names))
    low_high = {"y": alt.Y("low:Q", title=_ACCURACY), "y2": "high:Q"}
    line = mean.mark_line(strokeWidth=2).encode(
        y=alt.Y("mean:Q", title=_ACCURACY, scale=alt.Scale(zero=False)),
        strokeWidth=alt.condition(pointed, alt.value(4), alt.value(2)),
        strokeDash=_dashes(names),
    )
    points = mean.mark_point(filled=True, size=45, opacity=1).encode(
        y=alt.Y("mean:Q", title=_ACCURACY),
        shape=_shapes(names),
        tooltip=[
            alt.Tooltip("strategy:N"),
            alt.Tooltip("share:Q", title="labeled images (%)", format=".1f"),
            alt.Tooltip("mean:Q", title="mean accuracy (%)", format=".2f"),
            alt.Tooltip("low:Q", title="from", format=".2f"),
            alt.Tooltip("high:Q", title="to", format=".2f"),
            alt.Tooltip("seeds:Q"),
        ],
    )
    band = mean.mark_area().encode(
        **low_high, opacity=alt.condition(pointed, alt.value(0.2), alt.value(0.0))
    )
    bars = mean.mark_rule().encode(**low_high, opacity=alt.value(0.45))
    each = (
        alt.Chart(runs)
        .transform_filter(chosen)
        .mark_line(strokeWidth=0.8)
        .encode(
            x=_SHARE,
            y=alt.Y("accuracy:Q", title=_ACCURACY),
            color=_colors(names),
            detail="seed:N",
            opacity=alt.condition("seeds", alt.value(0.55), alt.value(0.0)),
        )
    )
    chart = alt.layer(band, each, bars, line, points.add_params(pointed)).add_params(chosen, seeds)
    whole = chart.properties(width="container", height=380)
    spec = whole.to_dict(format="vega-lite")
    del spec["$schema"]
    return spec


def _polygon(corners: int, inner: float = 1) -> str:
    """The path of a regular polygon, or of a star where every other corner is ``inner``."""
    angles = [2 * math.pi * corner / corners for corner in range(corners)]
    sizes = [1 if corner % 2 == 0 else inner for corner in range(corners)]
    points = [
        f"{size * math.sin(a):.3f},{-size * math.cos(a):.3f}"
        for size, a in zip(sizes, angles, strict=True)
    ]
    return f"M{'L'.join(points)}Z"


_SHAPES = {
    "o": "circle",
    "s": "square",
    "D": "diamond",
    "^": "triangle-up",
    "v": "triangle-down",
    "<": "triangle-left",
    ">": "triangle-right",
    "P": "cross",
    "X": "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z",
    "p": _polygon(5),
    "h": _polygon(6),
    "d": "M0,-1L.55,0L0,1L-.55,0Z",
    "*": _polygon(10, 0.4),
}
"""Vega's symbols, or paths, for the markers of the other figures."""


def _colors(names: Sequence[str]) -> alt.Color:
    colors = [look["color"] for look in strategy_styles(names).values()]
    scale = alt.Scale(domain=names, range=colors)
    return alt.Color("strategy:N", scale=scale, legend=_legend())


def _shapes(names: Sequence[str]) -> alt.Shape:
    shapes = [_SHAPES[look["marker"]] for look in strategy_styles(names).values()]
    return alt.Shape("strategy:N", scale=alt.Scale(domain=names, range=shapes), legend=_legend())


def _legend() -> alt.Legend:
    return alt.Legend(
        title=None,
        orient="bottom",
        columns=COLUMNS,
        symbolOpacity=1,
        labelLimit=300,
    )


def _dashes(names: Sequence[str]) -> alt.StrokeDash:
    """Dashes as in the other figures, at the width of these."""
    lines = [look["linestyle"] for look in strategy_styles(names).values()]
    dashes = [[1, 0] if line == "-" else [1.5 * part for part in line[1]] for line in lines]
    return alt.StrokeDash("strategy:N", scale=alt.Scale(domain=names, range=dashes), legend=None)


def _in_percent(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(share=100 * table["labeled_fraction"])
