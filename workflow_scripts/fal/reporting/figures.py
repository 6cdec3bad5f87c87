"""Figures of accuracy and of the partition, and how every figure is drawn and saved."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from fal.reporting.tables import ranking, summary_table

HIGHLIGHT = "ifal"
STYLE = {
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
        figure.get_layout_engine().execute(figure)
        figure.set_layout_engine("none")  # Once is enough, and it is a third of the time.
        for suffix, metadata in no_dates.items():
            figure.savefig(f"{stem}.{suffix}", dpi=150, metadata=metadata)


def strategy_styles(strategies: Iterable[str]) -> dict[str, dict]:
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


@matplotlib.rc_context(STYLE)
def accuracy_curves(table: pd.DataFrame, title: str = "") -> Figure:
    """Test accuracy against labeled images of one setting: mean and standard deviation of seeds.

    table: rows of one setting, as ``fal.reporting.tables.accuracy_table`` makes them.
    """
    best_first = list(ranking(table)["strategy"])
    styles = strategy_styles(best_first)
    legend_columns = -(-len(best_first) // 16) if len(best_first) > 6 else 0
    figure = Figure(figsize=(5.6 + 2 * legend_columns, 4.2), layout="constrained")
    axes = figure.subplots()
    _draw_curves(axes, summary_table(table), styles, band=min(0.15, 0.5 / len(best_first)))
    axes.set(xlabel="labeled images (%)", ylabel="test accuracy (%)")
    seeds = table["seed"].nunique()
    spread = f"mean and standard deviation of {seeds} seeds" if seeds > 1 else "one seed"
    axes.set_title(f"{title}\n{spread}" if title else spread, loc="left")
    if legend_columns:
        figure.legend(loc="outside right center", ncols=legend_columns)
    else:
        axes.legend(loc="lower right")
    return figure


def _draw_curves(axes: Axes, summary: pd.DataFrame, styles: dict, band: float) -> None:
    for strategy, style in styles.items():
        curve = summary[summary["strategy"] == strategy].sort_values("cycle")
        x = 100 * curve["labeled_fraction"].to_numpy()
        mean = curve["accuracy_mean"].to_numpy()
        spread = curve["accuracy_std"].fillna(0).to_numpy()
        axes.plot(x, mean, label=strategy, **style)
        if spread.any():
            axes.fill_between(
                x, mean - spread, mean + spread, color=style["color"], alpha=band, linewidth=0
            )
    ticks = np.unique(np.round(100 * summary["labeled_fraction"].to_numpy(), 1))
    if len(ticks) <= 12:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])


def class_counts(client: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Images of each class that each client holds: int64 [clients, num_classes].

    client: int64 [N], client of each training example (-1: unused); labels: int64 [N].
    """
    used = client >= 0
    counts = np.zeros((client.max() + 1, num_classes), dtype=np.int64)
    np.add.at(counts, (client[used], labels[used]), 1)
    return counts


@matplotlib.rc_context(STYLE)
def partition_histogram(counts: np.ndarray, classes: Sequence[str], title: str = "") -> Figure:
    """Heat map of the images of each class (columns) that each client (rows) holds.

    counts: int64 [clients, classes]; written into the cells where there is room for them.
    """
    clients, num_classes = counts.shape
    size = (np.clip(2.2 + 0.45 * num_classes, 4.5, 10), np.clip(1.8 + 0.3 * clients, 3, 9))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    # Roots, so that small counts do not vanish beside one class that fills a client.
    image = axes.imshow(
        counts, cmap="Blues", norm=PowerNorm(0.5, 0, max(1, counts.max())), aspect="auto"
    )
    axes.grid(visible=False)
    if num_classes <= 20 and clients <= 30:
        _write_counts(axes, counts)
    name_classes(axes, classes)
    axes.set_yticks(_some(clients))
    sizes = counts.sum(1)
    each = f"{sizes.min()}" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()}"
    axes.set(xlabel="class", ylabel="client")
    axes.set_title(f"{title}\n{each} images per client".lstrip("\n"), loc="left")
    figure.colorbar(image, ax=axes, label="images", shrink=0.8)
    return figure


def _write_counts(axes: Axes, counts: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = count > 0.35 * counts.max()
            axes.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                fontsize="x-small",
                color="white" if dark else "#333333",
                in_layout=False,
            )


def name_classes(axes: Axes, classes: Sequence[str]) -> None:
    """Name the classes along the x axis, or number some of them where there are many."""
    if len(classes) > 30:
        axes.set_xticks(_some(len(classes)))
        return
    upright = max(map(len, classes)) <= 2
    axes.set_xticks(
        range(len(classes)),
        [name if len(name) <= 14 else f"{name[:13]}…" for name in classes],
        rotation=0 if upright else 45,
        ha="center" if upright else "right",
        rotation_mode="anchor",
    )


def _some(count: int) -> range:
    """At most some twenty evenly spaced positions out of ``count``."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**6) if count <= 20 * step)
    return range(0, count, step)
