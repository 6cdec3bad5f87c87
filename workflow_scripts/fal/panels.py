"""The configured figures: which panels they have."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from fal.errors import InputError, suggest
from fal.layout import SETTING, factor_title, format_number
from fal.reporting.grids import Grid, Panel
from fal.reporting.options import Figure, Part
from fal.settings import Settings

_LISTS = {"dataset": "datasets", "model": "models", "algorithm": "algorithms"}
"""The key of the configuration that lists the names of a factor's levels."""


def spreads(settings: Settings, dataset: str) -> list[tuple[str, int]]:
    """The levels of alpha, as in paths, with those of clients that a data set is run with."""
    return [(format_number(alpha), clients) for alpha, clients in settings.spreads(dataset)]


def grids(settings: Settings) -> dict[str, Grid]:
    """The configured figures by name.

    Raises InputError if one names a data set, a network, an algorithm or a strategy that the
    configuration does not list, an alpha or a number of clients that change nothing, or a client
    that there is not, or if a row and a column of one name the same factor.
    """
    return {name: _grid(name, figure, settings) for name, figure in settings.figures.items()}


def _grid(name: str, figure: Figure, settings: Settings) -> Grid:
    key = f"figures.{name}"
    strategies = figure.strategies or tuple(settings.strategies)
    _check_strategies(f"{key}.strategies", strategies, settings.strategies)
    _check_strategies(f"{key}.labels", figure.labels, settings.strategies)
    rows, columns = (
        [(f"{key}.{word}[{i}]", part) for i, part in enumerate(parts)] or [(key, Part())]
        for word, parts in (("rows", figure.rows), ("columns", figure.columns))
    )
    for where, part in (*rows, *columns):
        _check_part(where, part, settings)
    grid = Grid(
        figure.shows,
        tuple(
            tuple(_panel(row, column, strategies, settings) for column in columns) for row in rows
        ),
        figure.title,
        figure.labels,
        figure.client,
    )
    return _of_predictions(key, grid, settings) if figure.shows == "predictions" else grid


def _panel(
    row: tuple[str, Part],
    column: tuple[str, Part],
    strategies: tuple[str, ...],
    settings: Settings,
) -> Panel:
    parts = dict((column, row))
    named: dict[str, Any] = {}
    for factor in SETTING:
        values = {w: v for w, p in parts.items() if (v := getattr(p, factor)) is not None}
        if len(values) > 1:
            raise InputError(f"{' and '.join(reversed(values))} both name {factor}; name it in one")
        if values:
            named[factor] = next(iter(values.values()))
    if "alpha" in named:
        named["alpha"] = format_number(named["alpha"])
    first = {factor: next(iter(getattr(settings, key))) for factor, key in _LISTS.items()}
    alpha, clients = spreads(settings, named.get("dataset", first["dataset"]))[0]
    whole = {**first, "alpha": alpha, "clients": clients, **named}
    setting = {factor: whole[factor] for factor in SETTING}
    shown = [p.strategies for p in parts.values() if p.strategies]
    if len(shown) > 1:
        raise InputError(f"{' and '.join(reversed(parts))} both name strategies; name them in one")
    told = [title for part in parts.values() if (title := _title(part))]
    return Panel(", ".join(told), setting, shown[0] if shown else strategies)


def _title(part: Part) -> str:
    if part.title is not None:
        return part.title
    values = {factor: getattr(part, factor) for factor in SETTING}
    return ", ".join(factor_title(f, value) for f, value in values.items() if value is not None)


def _check_part(where: str, part: Part, settings: Settings) -> None:
    for factor in ("dataset", "model", "algorithm"):
        value, known = getattr(part, factor), getattr(settings, _LISTS[factor])
        if value is not None and value not in known:
            raise InputError(
                f"{where}.{factor} is '{value}', which {_LISTS[factor]} does not list"
                f"{suggest(value, known)}"
            )
    divided = "clients that are sites" if settings.clients_from else settings.partition["method"]
    if part.alpha is not None and not settings.needs_alpha:
        raise InputError(
            f"{where}.alpha is {part.alpha:g}, but the partition ({divided}) depends on none; "
            "leave it out"
        )
    if part.clients is not None and settings.clients_from:
        raise InputError(
            f"{where}.clients is {part.clients}, but each site of a data set is a client; leave it "
            "out"
        )
    _check_strategies(f"{where}.strategies", part.strategies or (), settings.strategies)


def _check_strategies(where: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise InputError(
                f"{where} has '{name}', which is no strategy of this run{suggest(name, known)}"
            )


def _of_predictions(key: str, grid: Grid, settings: Settings) -> Grid:
    """With the one strategy of each panel that has the options of structural probabilities."""

    def with_one(panel: Panel) -> Panel:
        found = [s for s in panel.strategies if settings.strategies[s]["method"] == "ifal"]
        if not found:
            raise InputError(f"{key} shows predictions, which needs a strategy ifal; list one")
        if grid.client >= int(panel.setting["clients"]):
            raise InputError(
                f"{key}.client is {grid.client}, but must be below {panel.setting['clients']}, the "
                "number of clients, counted from 0"
            )
        return replace(panel, strategies=(found[0],))

    return replace(grid, rows=tuple(tuple(map(with_one, row)) for row in grid.rows))
