"""The figure of a partition: how many images of each class each client holds."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from fal.reporting.drawing import STYLE, literal, name_classes, some


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
    axes.set_yticks(some(clients))
    sizes = counts.sum(1)
    each = f"{sizes.min()}" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()}"
    axes.set(xlabel="class", ylabel="client")
    axes.set_title(f"{literal(title)}\n{each} images per client".lstrip("\n"), loc="left")
    figure.colorbar(image, ax=axes, label="images", shrink=0.8)
    return figure


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
