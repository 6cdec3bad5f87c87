"""How every figure looks and is saved: fonts, looks of the strategies, names of classes."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HIGHLIGHT = "ifal"
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.titlesize": "medium",
    "font.size": 9,
    "grid.alpha": 0.5,
    "grid.color": "#cccccc",
    "legend.frameon": False,
    "legend.fontsize": "small",
    "svg.hashsalt": "ifal",
}

# Color and marker of the paper's families are the same in every figure.
_FAMILIES = {
    "ifal": ("#d55e00", "o"),
    "random": ("#4d4d4d", "X"),
    "entropy": ("#0072b2", "D"),
    "margin": ("#56b4e9", "^"),
    "least-confidence": ("#009e73", "v"),
    "coreset": ("#e69f00", "s"),
    "badge": ("#cc79a7", "p"),
    "gcnal": ("#332288", "<"),
    "kafal": ("#8a8a1f", ">"),
    "logo": ("#882255", "P"),
}
_MORE_MARKERS = "oDs^vp<>hd*"


def save(figure: Figure, stem: str | Path) -> None:
    """Write stem.png (150 dpi), stem.pdf and stem.svg; the same figure gives the same bytes."""
    no_dates = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
    with matplotlib.rc_context(STYLE):
        if layout := figure.get_layout_engine():
            layout.execute(figure)
        figure.set_layout_engine("none")  # Once is enough, and it is a third of the time.
        for suffix, metadata in no_dates.items():
            figure.savefig(f"{stem}.{suffix}", dpi=150, metadata=metadata)


def strategy_styles(strategies: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Line style of each strategy, told apart by marker and line as well as by color.

    Color and marker stand for the family. The local variant (``l-``) of a family is dashed with
    open markers where the global one (``g-``) is solid; families not of the paper are dotted.
    """
    families = {name: name.removeprefix("l-").removeprefix("g-") for name in strategies}
    more = sorted(set(families.values()) - set(_FAMILIES))
    colors = [color for color, _ in _FAMILIES.values()]
    looks = _FAMILIES | {
        family: (colors[i % len(colors)], _MORE_MARKERS[i % len(_MORE_MARKERS)])
        for i, family in enumerate(more)
    }
    styles = {}
    for name, family in families.items():
        color, marker = looks[family]
        local = name.startswith("l-")
        solid = ":" if family in more else "-"
        styles[name] = {
            "color": color,
            "marker": marker,
            "linestyle": (0, (4, 1.5)) if local else solid,
            "markerfacecolor": "white" if local else color,
            "linewidth": 1.3,
            "markersize": 4.5,
            "zorder": 3,
        }
        if name == HIGHLIGHT:
            styles[name] |= {"linewidth": 2.6, "markersize": 6.5, "zorder": 5}
    return styles


def literal(text: str) -> str:
    """The text as it is, where matplotlib would read pairs of dollar signs as mathematics."""
    return text.replace("$", r"\$")


def name_classes(axes: Axes, classes: Sequence[str]) -> None:
    """Name the classes along the x axis, or number some of them where there are many."""
    if len(classes) > 30:
        axes.set_xticks(some(len(classes)))
        return
    upright = max(map(len, classes)) <= 2
    axes.set_xticks(
        range(len(classes)),
        [literal(name if len(name) <= 14 else f"{name[:13]}…") for name in classes],
        rotation=0 if upright else 45,
        ha="center" if upright else "right",
        rotation_mode="anchor",
    )


def some(count: int) -> range:
    """At most some twenty evenly spaced positions out of ``count``."""
    apart = next(apart for apart in (1, 2, 5, 10, 20, 50, 100, 10**6) if count <= 20 * apart)
    return range(0, count, apart)
