"""Figures of partitions: how many images of each class each client holds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from fal.reporting.drawing import literal, name_classes, panel_grid, some
from fal.reporting.grids import Grid

Part = tuple[np.ndarray, Sequence[str]]
"""Images int64 [clients, classes] that each client holds of each class, and the classes' names."""


def partition_histogram(
    counts: np.ndarray, classes: Sequence[str], title: str = "", note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Heat map of the images of each class (columns) that each client (rows) holds.

    counts: int64 [clients, classes]; written into the cells where there is room for them. note:
    further words on what is shown. Returns the figure and its numbers: client, class, images.
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
    lines = [literal(title), "; ".join(filter(None, [f"{each} images per client", literal(note)]))]
    axes.set_title("\n".join(filter(None, lines)), loc="left")
    figure.colorbar(image, ax=axes, label="images", shrink=0.8)
    return figure, _numbers((counts, classes))


def partition_grid(
    grid: Grid, parts: Sequence[Part | None], width: float, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Heat maps of several partitions with common colors.

    parts: of each panel of the grid; None where there is none. width: of the figure in inches.
    note: further words on what is shown. Returns the figure and its numbers: panel, client, class,
    images.
    """
    figure, axes_of = panel_grid(grid, width, ["images of each class that each client holds", note])
    highest = max((part[0].max() for part in parts if part), default=1)
    numbers, image = [], None
    for axes, panel, part in zip(axes_of, grid.panels, parts, strict=True):
        if part is None:
            axes.text(0.5, 0.5, "missing", ha="center", va="center", color="#a00000")
            continue
        counts, classes = part
        image = _draw_counts(axes, counts, highest)
        name_classes(axes, classes)
        numbers.append(_numbers(part).assign(panel=panel.title))
    figure.supxlabel("class", fontsize="medium")
    figure.supylabel("client", fontsize="medium")
    if image is not None:
        figure.colorbar(image, ax=axes_of, label="images", shrink=0.8)
    columns = ["panel", "client", "class", "images"]
    return figure, pd.concat(numbers)[columns] if numbers else pd.DataFrame(columns=columns)


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
