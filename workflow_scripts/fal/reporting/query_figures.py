"""Figures of what a strategy queried, and of IFAL's inconsistencies."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fal.reporting.drawing import name_classes, wrapped
from fal.reporting.query_tables import ROUTES, Query

_POOL, _QUERIED, _CANDIDATE = "#b8b8b8", "#d55e00", "#0072b2"
_ROUTES = {
    "otsu": "#0072b2",
    "fraction": "#56b4e9",
    "inter": "#e69f00",
    "top": "#882255",
    "all": "#4d4d4d",
}
_PANELS = 4


def query_histogram(
    queried: pd.DataFrame, pool: pd.DataFrame, classes: Sequence[str], title: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Classes of the queried images against those of the pools they were taken from.

    queried, pool: class shares, one row per (seed, cycle), from
    ``fal.reporting.query_tables.share_tables``. Above, the shares over all cycles (mean and, up
    to 30 classes, standard deviation of seeds); below, the difference of the two for each cycle,
    or where nobody knows the classes of the pools the shares queried.

    Returns the figure and its numbers: seed, cycle, class, queried, pool (shares of images).
    """
    cycles = len(queried.index.unique("cycle"))
    figure = Figure(figsize=(8, 4.3 + 0.25 * cycles), layout="constrained")
    bars, heat = figure.subplots(2, 1, sharex=True, height_ratios=[3, 0.7 + 0.25 * cycles])
    _draw_shares(bars, 100 * queried, 100 * pool)
    figure.suptitle(wrapped(title), x=0.01, ha="left")
    if pool.isna().all(axis=None):
        _draw_cycles(heat, 100 * queried.groupby("cycle").mean(), "queried (%)")
    else:
        difference = 100 * (queried - pool).groupby("cycle").mean()
        _draw_cycles(heat, difference, "queried - pool\n(points)", signed=True)
    name_classes(heat, classes)
    shares = {"queried": queried.stack(), "pool": pool.stack()}
    numbers = pd.DataFrame(shares).rename_axis(["seed", "cycle", "class"]).reset_index()
    return figure, numbers.assign(**{"class": [classes[c] for c in numbers["class"]]})


def _draw_shares(axes: Axes, queried: pd.DataFrame, pool: pd.DataFrame) -> None:
    """Bars side by side, or outlines of many classes; the pool only where its classes are known."""
    positions = np.arange(queried.shape[1])
    sides = [(pool, "pool", _POOL), (queried, "queried", _QUERIED)]
    if pool.isna().all(axis=None):
        del sides[0]
    for place, (frame, label, color) in enumerate(sides):
        seeds = frame.groupby("seed").mean()
        if len(positions) > 30:
            edges = np.arange(len(positions) + 1) - 0.5
            filled = {"fill": True} if label == "pool" else {"linewidth": 1.2}
            axes.stairs(seeds.mean(), edges, color=color, label=label, **filled)
            continue
        axes.bar(
            positions + 0.4 * (place - (len(sides) - 1) / 2),
            seeds.mean(),
            width=0.4,
            label=label,
            color=color,
            yerr=seeds.std() if len(seeds) > 1 else None,
            error_kw={"elinewidth": 0.8, "ecolor": "#333333"},
        )
    axes.grid(visible=False, axis="x")
    axes.set(ylabel="share of images (%)")
    _legend_above(axes, ncols=2)


def _draw_cycles(axes: Axes, values: pd.DataFrame, label: str, signed: bool = False) -> None:
    """A row for each cycle, a column for each class; NaN stays white."""
    limit = max(1e-9, np.abs(np.nan_to_num(values.to_numpy())).max())
    colors = {"cmap": "PuOr_r", "vmin": -limit} if signed else {"cmap": "Oranges", "vmin": 0}
    image = axes.imshow(values, vmax=limit, aspect="auto", **colors)
    axes.grid(visible=False)
    axes.set_yticks(range(len(values)), values.index)
    axes.set(xlabel="class", ylabel="cycle")
    bar = axes.figure.colorbar(image, ax=axes, label=label)
    bar.locator = MaxNLocator(4, symmetric=signed)


def inconsistency(queries: Sequence[Query], title: str = "") -> tuple[Figure, pd.DataFrame]:
    """IFAL's two inconsistencies of each unlabeled image, its candidates and its fall-backs.

    queries: of one strategy, all seeds and cycles; their pools have the columns inter, intra and
    candidate. Above, for the first seed and up to four cycles, each image by its inter- and
    intra-model inconsistency, with the clients' thresholds inter * intra = tau; below, over all
    seeds, the share of candidates and how the clients came to them.

    Returns the figure and the numbers below: seed, cycle, candidates (share of the pool), and how
    many clients took each route. The images' inconsistencies are in each cycle's scores.parquet.
    """
    seed = min(query.run["seed"] for query in queries)
    shown = sorted((q for q in queries if q.run["seed"] == seed), key=lambda q: q.run["cycle"])
    picks = np.unique(np.linspace(0, len(shown) - 1, _PANELS).round().astype(int))
    shown = [shown[i] for i in picks]
    figure = Figure(figsize=(max(7, 2.9 * len(shown)), 6.2), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[3, 2])[:, 0]
    above.suptitle(wrapped(f"{title}, seed {seed}".lstrip(", ")), x=0.01, ha="left")
    panels = above.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
    for axes, query in zip(panels, shown, strict=True):
        _draw_scatter(axes, query)
    for axes, query in zip(panels, shown, strict=True):
        _draw_thresholds(axes, [tau for tau in query.thresholds.values() if tau > 0])
    panels[0].set_ylabel("intra-model inconsistency")
    labels = {label: artist for axes in panels for artist, label in _legend(axes)}
    above.legend(labels.values(), labels, loc="outside lower center", ncols=5, markerscale=2)
    shares, routes = below.subplots(1, 2)
    _draw_candidates(shares, queries)
    _draw_routes(routes, queries)
    return figure, _numbers(queries)


def _numbers(queries: Sequence[Query]) -> pd.DataFrame:
    rows = [
        {
            "seed": query.run["seed"],
            "cycle": query.run["cycle"],
            "candidates": query.candidates,
            **{f"clients_{route}": query.routes.get(route, 0) for route in ROUTES},
        }
        for query in queries
    ]
    return pd.DataFrame(rows).sort_values(["seed", "cycle"], ignore_index=True)


def _draw_scatter(axes: Axes, query: Query) -> None:
    """Every image with two positive inconsistencies (the axes are logarithmic) as a point."""
    positive = (query.pool["inter"] > 0) & (query.pool["intra"] > 0)
    pool = query.pool[positive]
    candidate = pool["candidate"].to_numpy(bool)
    queried = pool["index"].isin(query.queried["index"]).to_numpy()
    size = np.clip(12_000 / max(1, len(pool)), 1.5, 9)
    for mask, label, color in (
        (~candidate & ~queried, "other", _POOL),
        (candidate & ~queried, "candidate", _CANDIDATE),
        (queried, "queried", _QUERIED),
    ):
        points = pool[mask]
        axes.scatter(
            points["inter"],
            points["intra"],
            s=size,
            color=color,
            label=label,
            linewidths=0,
            rasterized=True,
        )
    axes.set(xlabel="inter-model inconsistency")
    if len(pool):
        axes.set(xscale="log", yscale="log")
    left_out = f" ({(~positive).sum()} with a zero left out)" if not positive.all() else ""
    axes.set_title(f"cycle {query.run['cycle']}{left_out}", loc="left")


def _draw_thresholds(axes: Axes, thresholds: Sequence[float]) -> None:
    """The curves inter * intra = tau (straight on logarithmic axes): median and range."""
    limits = axes.get_xlim(), axes.get_ylim()
    if not thresholds or limits[0][0] <= 0:
        return
    x = np.array(limits[0])
    low, middle, high = np.quantile(thresholds, [0, 0.5, 1])
    axes.plot(x, middle / x, color="#222222", linewidth=1.2, label="threshold, median client")
    axes.fill_between(
        x, low / x, high / x, color="#dcdcdc", linewidth=0, zorder=0, label="all clients"
    )
    axes.set(xlim=limits[0], ylim=limits[1])


def _draw_candidates(axes: Axes, queries: Sequence[Query]) -> None:
    shares = pd.DataFrame(
        [(q.run["cycle"], 100 * q.candidates) for q in queries], columns=["cycle", "share"]
    )
    mean = shares.groupby("cycle")["share"].mean()
    if len(shares) > len(mean):
        axes.scatter(shares["cycle"], shares["share"], color="#888888", s=14, label="one seed")
    axes.plot(mean.index, mean, color=_CANDIDATE, linewidth=1.5, marker="_", label="mean")
    axes.set_xticks(mean.index)
    axes.set_ylim(0, max(1, 1.15 * shares["share"].max()))
    axes.set(xlabel="cycle", ylabel="candidates (% of the pool)")
    _legend_above(axes, ncols=2)


def _draw_routes(axes: Axes, queries: Sequence[Query]) -> None:
    counts = pd.DataFrame(
        [{"cycle": q.run["cycle"], **{r: q.routes.get(r, 0) for r in ROUTES}} for q in queries]
    )
    counts = counts.groupby("cycle").sum()
    shares = 100 * counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    base = np.zeros(len(shares))
    for route in shares.columns[shares.any()]:
        share = shares[route]
        color = _ROUTES[route]
        axes.bar(shares.index, share, 0.7, bottom=base, label=ROUTES[route], color=color)
        base += share.to_numpy()
    axes.grid(visible=False, axis="x")
    axes.set_xticks(shares.index)
    axes.set(xlabel="cycle", ylabel="clients (%)", ylim=(0, 100))
    _legend_above(axes, ncols=3)


def _legend(axes: Axes) -> Iterator[tuple]:
    return zip(*axes.get_legend_handles_labels(), strict=True)


def _legend_above(axes: Axes, ncols: int) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=ncols, borderaxespad=0.2)
