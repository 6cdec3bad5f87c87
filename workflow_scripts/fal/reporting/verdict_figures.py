"""The critical-difference diagram: average ranks of strategies, and which are not told apart."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fal.reporting.drawing import literal, notes_below, some, strategy_styles
from fal.reporting.verdicts_across import CriticalDifference, ranks_sentence

_LINE, _BAR = 0.24, 0.19
"""Inches from one line of text, and from one bar, to the next; also the units of the y axis."""


def diagram_numbers(found: CriticalDifference | None) -> pd.DataFrame:
    """What the diagram shows: strategy, rank, settings, critical_difference, p (Friedman's)."""
    if found is None:
        return pd.DataFrame(columns=["strategy", "rank", "settings", "critical_difference", "p"])
    return pd.DataFrame(
        {
            "strategy": found.ranks.index,
            "rank": found.ranks.to_numpy(),
            "settings": found.settings,
            "critical_difference": found.difference,
            "p": found.p,
        }
    )


def critical_difference_diagram(
    found: CriticalDifference | None, width: float = 7.2, scale: str = ""
) -> Figure:
    """Average ranks on a line, the best to the left; a bar joins strategies not told apart.

    Demšar (2006), Statistical comparisons of classifiers over multiple data sets, section 3.2.4.
    Where nothing can be ranked the figure says so. width: in inches. scale: what was made smaller.
    """
    if found is None:
        figure = Figure(figsize=(width, 1))
        figure.text(0.5, 0.5, ranks_sentence(None), ha="center")
        return figure
    strategies = len(found.ranks)
    half = -(-strategies // 2)
    names = -_BAR * (len(found.groups) + 1)
    low, high = names - _LINE * half, 3 * _LINE
    figure = Figure(figsize=(width, high - low + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(1, strategies), ylim=(low, high))
    _draw_scale(axes, found)
    for place, group in enumerate(found.groups, 1):
        ends = found.ranks[list(group)]
        axes.plot(
            [ends.min(), ends.max()],
            [-_BAR * place] * 2,
            color="#222222",
            linewidth=3.5,
            solid_capstyle="projecting",
            clip_on=False,
        )
    _draw_names(axes, found.ranks, half, names)
    title = f"Average ranks by the area under the curve, over {found.settings} settings"
    lines = [title, notes_below([scale], width)]
    figure.suptitle("\n".join(filter(None, lines)), x=0.01, ha="left")
    return figure


def _draw_scale(axes: Axes, found: CriticalDifference) -> None:
    """The axis of ranks, and above it how long the critical difference is."""
    axes.grid(False)
    axes.xaxis.set_ticks_position("top")
    axes.set_xticks([1 + place for place in some(len(found.ranks))])
    axes.spines["top"].set(visible=True, position=("data", 0))
    for side in ("bottom", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.set_yticks([])
    end = min(1 + found.difference, len(found.ranks))
    beyond = " (longer than the axis)" if 1 + found.difference > len(found.ranks) else ""
    axes.plot([1, end], [2.1 * _LINE] * 2, color="#222222", linewidth=1.2, marker="|")
    axes.annotate(
        f"critical difference {found.difference:.2f}{beyond}",
        ((1 + end) / 2, 2.1 * _LINE),
        (0, 4),
        textcoords="offset points",
        ha="center",
    )


def _draw_names(axes: Axes, ranks: pd.Series, half: int, top: float) -> None:
    """Each strategy's marker at its rank, and a line to its name at the nearer side."""
    styles = strategy_styles(ranks.index)
    for place, (name, rank) in enumerate(ranks.items()):
        left = place < half
        row = place if left else len(ranks) - 1 - place
        y, side = top - _LINE * row, 0.0 if left else 1.0
        look = styles[str(name)] | {"linestyle": "none"}
        axes.plot([rank], [0], clip_on=False, **look)
        edge = 1 if left else len(ranks)
        axes.plot([rank, rank, edge], [0, y, y], color="#777777", linewidth=0.8, clip_on=False)
        axes.annotate(
            f"{literal(str(name))}  {rank:.2f}" if left else f"{rank:.2f}  {literal(str(name))}",
            (side, y),
            (-5 if left else 5, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
        )
