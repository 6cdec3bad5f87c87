"""Figures of partitions: how many images of each class each client holds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from fal.reporting.drawing import (
    name_axes,
    name_classes,
    notes_below,
    panel_grid,
    some,
    tell_missing,
    wrapped,
)
from fal.reporting.grids import Grid

Part = tuple[np.ndarray, Sequence[str]]
"""Images int64 [clients, classes] that each client holds of each class, and the classes' names."""


def partition_histogram(
    counts: np.ndarray,
    classes: Sequence[str],
    title: str = "",
    note: str = "",
    unlabeled: int = 0,
) -> tuple[Figure, pd.DataFrame]:
    """Heat map of the images of each class (columns) that each client (rows) holds.

    counts: int64 [clients, classes]; written into the cells where there is room for them. note:
    further words on what is shown. unlabeled: images that are not counted.

    Returns the figure and its numbers: client, class, images.
    """
    clients, num_classes = counts.shape
    size = (np.clip(2.2 + 0.45 * num_classes, 4.5, 10), np.clip(1.8 + 0.3 * clients, 3, 9))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    image = _draw_counts(axes, counts, counts.max())
    if num_classes <= 20 and clients <= 30:
        _write_counts(axes, counts)
    name_classes(axes, classes)
    sizes = counts.sum(1)
    each = f"{sizes.min()}" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()}"
    axes.set(xlabel="class", ylabel="client")
    held = f"{each} labeled" if unlabeled else each
    rest = f"{unlabeled:,} without a label" if unlabeled else ""
    lines = [wrapped(title), notes_below([f"{held} images per client", rest, note], size[0])]
    axes.set_title("\n".join(filter(None, lines)), loc="left")
    figure.colorbar(image, ax=axes, label="images", shrink=0.8)
    return figure, _numbers((counts, classes))


def partition_grid(
    grid: Grid, parts: Sequence[Part | None], width: float, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Heat maps of several partitions: the share that each class has of a client's images.

    parts: of each panel of the grid; None where there is none. width: of the figure in inches.
    note: further words on what is shown. Returns the figure and its numbers: panel, client, class,
    images.
    """
    about = "share of each class of a client's images"
    figure, axes_of = panel_grid(grid, width, [about, note], height=1.15)
    columns = len(grid.rows[0])
    numbers, image = [], None
    for place, (axes, panel, part) in enumerate(zip(axes_of, grid.panels, parts, strict=True)):
        if part is None:
            tell_missing(axes)
            continue
        counts, classes = part
        image = _draw_counts(axes, 100 * counts / counts.sum(1, keepdims=True).clip(1), 100)
        below = parts[place + columns] if place + columns < len(parts) else None
        name_classes(axes, classes)
        if len(classes) > 30:
            axes.set_xticks(some(len(classes), 10))
        if below and below[1] == classes:
            axes.set_xticklabels([])
        axes.set_yticks(some(len(counts), 6))
        numbers.append(_numbers(part).assign(panel=panel.title))
    name_axes(axes_of, columns, "class", "client")
    if image is not None:
        figure.colorbar(image, ax=axes_of, label="share (%)", shrink=0.5)
    named = ["panel", "client", "class", "images"]
    return figure, pd.concat(numbers)[named] if numbers else pd.DataFrame(columns=named)


def _draw_counts(axes: Axes, counts: np.ndarray, highest: int) -> AxesImage:
    # Roots, so that small counts do not vanish beside one class that fills a client.
    norm = PowerNorm(0.5, 0, max(1, highest))
    image = axes.imshow(counts, cmap="Blues", norm=norm, aspect="auto", interpolation="none")
    axes.grid(visible=False)
    axes.set_yticks(some(len(counts)))
    return image


def _numbers(part: Part) -> pd.DataFrame:
    counts, classes = part
    clients, positions = np.indices(counts.shape).reshape(2, -1)
    names = np.array(classes, dtype=object)[positions]
    return pd.DataFrame({"client": clients, "class": names, "images": counts.ravel()})


def _write_counts(axes: Axes, counts: np.ndarray) -> None:
    for (client, label), count in np.ndenumerate(counts):
        if count:
            dark = count > 0.35 * counts.max()
            axes.text(
                label,
                client,
                str(count),
                ha="center",
                va="center",
                fontsize="x-small",
                color="white" if dark else "#333333",
                in_layout=False,
            )
