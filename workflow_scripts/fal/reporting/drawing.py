"""How every figure looks and is saved: fonts, looks of the strategies, names of classes."""

import textwrap
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import matplotlib
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fal.reporting.formats import to_csv
from fal.reporting.grids import Grid
from fal.storage import replacing, save_text

T = TypeVar("T")

HIGHLIGHT = "ifal"
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.titlesize": "medium",
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
_MORE_LINES = ((0, (1, 1)), (0, (5, 1, 1, 1)))


def look(style: Mapping[str, Any]) -> Any:
    """A context in which figures are drawn; style: width, font_size and dpi as configured."""
    return matplotlib.rc_context({**STYLE, "font.size": style["font_size"]})


def save(
    figure: Figure, stem: str | Path, numbers: pd.DataFrame | None = None, dpi: int = 200
) -> None:
    """Write stem.png, stem.pdf and stem.svg, and the numbers that are drawn to stem.csv.

    The same figure gives the same bytes.
    """
    no_dates = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
    with matplotlib.rc_context(STYLE):
        if layout := figure.get_layout_engine():
            layout.execute(figure)
        figure.set_layout_engine("none")  # Once is enough, and it is a third of the time.
        for suffix, metadata in no_dates.items():
            with replacing(f"{stem}.{suffix}") as path:
                figure.savefig(path, format=suffix, dpi=dpi, metadata=metadata)
    if numbers is not None:
        save_text(f"{stem}.csv", to_csv(numbers))


PANEL_WIDTH = 0.62
"""Width of a figure of a single panel, as a share of that of one with several columns."""


def panel_grid(
    grid: Grid, width: float, notes: Sequence[str], height: float = 2.2
) -> tuple[Figure, list[Axes]]:
    """A figure with the titles of a grid, and the axes of its panels, row by row.

    width: of the figure, height: of a row of panels without titles and legend, in inches.
    notes: what is below the title; empty ones are left out.
    """
    columns = len(grid.rows[0])
    size = (width * (PANEL_WIDTH if columns == 1 else 1), height * len(grid.rows) + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    axes = list(figure.subplots(len(grid.rows), columns, squeeze=False).flat)
    letters = "abcdefghijklmnopqrstuvwxyz" if len(axes) > 1 else ""
    for place, (own, panel) in enumerate(zip(axes, grid.panels, strict=True)):
        letter = f"({letters[place]}) " if place < len(letters) else ""
        title = textwrap.fill(letter + panel.title, int(15.5 * size[0] / columns))
        own.set_title(literal(title), loc="left")
    titles = [literal(grid.title), notes_below(notes, size[0])]
    figure.suptitle("\n".join(filter(None, titles)), x=0.01, ha="left")
    return figure, axes


def notes_below(notes: Iterable[str], width: float) -> str:
    """What stands below a figure's title, in lines as wide as the figure (inches); empty notes are
    left out."""
    words = "; ".join(note for note in notes if note)
    return literal(textwrap.fill(words, int(15.5 * width)))


def seeds_text(seeds: pd.Series) -> str:
    """Of how many seeds a mean is; seeds: that number of each mean that is drawn."""
    if not seeds.max() > 1:
        return "one seed"
    count = " to ".join(f"{number:.0f}" for number in sorted({seeds.min(), seeds.max()}))
    return f"mean of {count} seeds"


def wrapped(title: str) -> str:
    """A title as ``literal`` has it, in lines that fit the width of a page."""
    return literal(textwrap.fill(title, 100))


def name_axes(axes: Sequence[Axes], columns: int, xlabel: str, ylabel: str) -> None:
    """Name what the axes of a grid of so many columns show, at its lower and left edge."""
    for own in axes[-columns:]:
        own.set_xlabel(xlabel)
    for own in axes[::columns]:
        own.set_ylabel(ylabel)


def tell_missing(axes: Axes) -> None:
    """Say in an empty panel that there is nothing to draw yet."""
    axes.text(0.5, 0.5, "missing", ha="center", va="center", color="#a00000")


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend for all panels, in as many columns as there is room for, below what is there."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / (0.5 + 0.055 * longest)))
    rows = -(-len(handles) // columns)
    columns = -(-len(handles) // rows)
    line = 1.5 * matplotlib.rcParams["font.size"] / 72
    figure.set_figheight(figure.get_figheight() + line * rows)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def strategy_styles(strategies: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Line style of each strategy, told apart by marker and line as well as by color.

    Color and marker stand for the family. The local variant (``l-``) of a family is dashed with
    open markers where the global one (``g-``) is solid. Families that are not of the paper get a
    look by their name, and another one only where it is taken.
    """
    families = {name: name.removeprefix("l-").removeprefix("g-") for name in strategies}
    own = _looks_by_name(sorted(set(families.values()) - set(_FAMILIES)))
    looks = {family: (*look, "-") for family, look in _FAMILIES.items()} | own
    styles = {}
    for name, family in families.items():
        color, marker, line = looks[family]
        local = name.startswith("l-")
        styles[name] = {
            "color": color,
            "marker": marker,
            "linestyle": (0, (4, 1.5)) if local else line,
            "markerfacecolor": "white" if local else color,
            "linewidth": 1.1,
            "markersize": 4,
            "zorder": 3,
        }
        if name == HIGHLIGHT:
            styles[name] |= {"linewidth": 2.2, "markersize": 5.5, "zorder": 5}
    return styles


def _looks_by_name(families: Iterable[str]) -> dict[str, tuple[str, str, Any]]:
    """Color, marker and line of each family, from its name as long as they are free."""
    colors = [color for name, (color, _) in _FAMILIES.items() if name != HIGHLIGHT]
    shapes = [(marker, line) for line in _MORE_LINES for marker in _MORE_MARKERS]
    looks: dict[str, tuple[str, str, Any]] = {}
    for family in families:
        place = zlib.crc32(family.encode())
        used_colors = [color for color, *_ in looks.values()]
        used_shapes = [shape for _, *shape in looks.values()]
        color = _least_used(colors, used_colors, place)
        marker, line = _least_used(shapes, [tuple(shape) for shape in used_shapes], place)
        looks[family] = (color, marker, line)
    return looks


def _least_used(choices: Sequence[T], used: Sequence[T], place: int) -> T:
    """The first of the least used choices, looked for from ``place`` on, round and round."""
    start = place % len(choices)
    return min([*choices[start:], *choices[:start]], key=used.count)


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


def some(count: int, most: int = 20) -> range:
    """At most some ``most`` evenly spaced positions out of ``count``."""
    apart = next(apart for apart in (1, 2, 5, 10, 20, 50, 100, 10**6) if count <= most * apart)
    return range(0, count, apart)
