"""Figures of the classes that local and global model predict for a client's unlabeled images."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from fal.query.predictions import ROLES, SOURCES
from fal.reporting.drawing import (
    legend_below,
    name_axes,
    name_classes,
    panel_grid,
    tell_missing,
)
from fal.reporting.grids import Grid

_COLORS = {"learning-based": "#56b4e9", "structural": "#d55e00"}
_LINES: dict[str, dict[str, Any]] = {
    "local": {"color": "#222222", "linewidth": 1.3},
    "global": {"color": "#009e73", "linewidth": 1.3, "linestyle": (0, (4, 1.5))},
}
_TITLES = {"local": "local model", "global": "global model"}
_BAR = 0.4


def distances(table: pd.DataFrame) -> pd.DataFrame:
    """How far each predicted distribution is from what the models were trained on.

    table: as of ``fal.query.predictions.class_predictions``. Columns: client, model, source, and
    the total variation distance, 0 to 1, to the labels of the client (to_client) and of all clients
    (to_all).
    """
    shares = _shares(table)
    rows = []
    for (client, model, source), share in shares.items():
        trained = (shares[client, role, "training"] for role in ROLES)
        to_client, to_all = (float(np.abs(share - other).sum() / 2) for other in trained)
        if source in SOURCES:
            rows.append((client, model, source, to_client, to_all))
    return pd.DataFrame(rows, columns=["client", "model", "source", "to_client", "to_all"])


def prediction_figure(
    grid: Grid,
    shown: Sequence[tuple[pd.DataFrame, Sequence[str]] | None],
    width: float,
    note: str = "",
) -> tuple[Figure, pd.DataFrame]:
    """The classes that are predicted for one client's unlabeled images, a row for each panel.

    Bars are the mean softmax outputs (learning-based) and mean structural probabilities of the
    local (left) and the global model (right), lines the labels of the client and of all clients.

    shown: of each panel the table, as of ``fal.query.predictions.class_predictions``, and the names
    of the classes; None where there is none. width: of the figure in inches. note: further words on
    what is shown.

    Returns the figure and its numbers, of all clients: panel, client, model, source, class, share,
    and the columns of ``distances``.
    """
    whole = replace(
        grid,
        rows=tuple(
            tuple(
                replace(panel, title=", ".join(filter(None, [panel.title, title])))
                for title in _TITLES.values()
            )
            for panel in grid.panels
        ),
    )
    about = (
        f"classes that are predicted for the unlabeled images of client {grid.client}; with their "
        "total variation distance, in brackets its mean over all clients"
    )
    figure, axes_of = panel_grid(whole, width, [about, note], height=2.6)
    for row, panel in enumerate(shown):
        if panel is None:
            for axes in axes_of[2 * row : 2 * row + 2]:
                tell_missing(axes)
            continue
        table, names = panel
        measured = distances(table)
        for axes, model in zip(axes_of[2 * row :], ROLES, strict=False):
            _draw_shares(axes, table, grid.client, model)
            _tell_distances(axes, measured[measured["model"] == model], grid.client)
            name_classes(axes, names)
        limits = max(axes.get_ylim()[1] for axes in axes_of[2 * row : 2 * row + 2])
        for axes in axes_of[2 * row : 2 * row + 2]:
            axes.set_ylim(0, 1.25 * limits)
    name_axes(axes_of, 2, "", "share of images (%)")
    legend_below(figure, _legend())
    numbers = [
        _numbers(*found).assign(panel=panel.title)
        for panel, found in zip(grid.panels, shown, strict=True)
        if found is not None
    ]
    columns = ["panel", "client", "model", "source", "class", "share", "to_client", "to_all"]
    return figure, pd.concat(numbers)[columns] if numbers else pd.DataFrame(columns=columns)


def _shares(table: pd.DataFrame) -> dict[tuple[int, str, str], np.ndarray]:
    """Each distribution of a table of predictions by client, model and source."""
    rows = table.itertuples(index=False, name=None)
    return {(client, model, source): np.array(share) for client, model, source, *share in rows}


def _draw_shares(axes: Axes, table: pd.DataFrame, client: int, model: str) -> None:
    shares = {key: 100 * share for key, share in _shares(table).items()}
    for place, source in enumerate(SOURCES):
        share = shares[client, model, source]
        x = np.arange(len(share)) + (place - 0.5) * _BAR
        axes.bar(x, share, _BAR, color=_COLORS[source], linewidth=0)
    for role, line in _LINES.items():
        share = shares[client, role, "training"]
        axes.stairs(share, np.arange(len(share) + 1) - 0.5, baseline=None, **line)
    axes.grid(visible=False, axis="x")


def _tell_distances(axes: Axes, measured: pd.DataFrame, client: int) -> None:
    """The distances of the client, and in brackets the means over all clients."""
    lines = []
    for source in SOURCES:
        of_source = measured[measured["source"] == source]
        mean = of_source[["to_client", "to_all"]].mean()
        own = of_source[of_source["client"] == client].iloc[0]
        lines.append(
            f"{source}: {own['to_client']:.2f} ({mean['to_client']:.2f}) from the client's, "
            f"{own['to_all']:.2f} ({mean['to_all']:.2f}) from all labels"
        )
    axes.text(0.02, 0.98, "\n".join(lines), transform=axes.transAxes, va="top", fontsize="x-small")


def _legend() -> list[Artist]:
    words = {"local": "labels of the client", "global": "labels of all clients"}
    names = {
        "learning-based": "learning-based: mean softmax",
        "structural": "structural: mean structural probability",
    }
    return [
        *(Patch(color=_COLORS[source], label=names[source]) for source in SOURCES),
        *(Line2D([], [], label=words[role], **line) for role, line in _LINES.items()),
    ]


def _numbers(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    keys = ["client", "model", "source"]
    shares = table.set_axis([*keys, *range(len(names))], axis="columns")
    tall = shares.melt(id_vars=keys, var_name="class", value_name="share")
    tall = tall.merge(distances(table), on=keys, how="left")
    tall = tall.sort_values([*keys, "class"], kind="stable")
    return tall.assign(**{"class": [names[c] for c in tall["class"]]})
