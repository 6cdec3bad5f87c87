"""Which figures a run has besides those of each setting, and how they look, as configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, MinLen

from fal.options import Options, Words

Compare = Annotated[
    Mapping[str, Annotated[str, MinLen(1), Words("the path of another run's tables/accuracy.csv")]],
    Words("a mapping of labels to the tables/accuracy.csv of other runs, {label: path}"),
]
"""The section ``compare``: accuracy tables of other results folders by the label that they get in
the figures and verdicts of this run."""

REFERENCES = ("random", "ifal")
"""The strategies that all others are compared with, where a setting has them."""

Shows = Literal["accuracy", "partition", "predictions"]


@dataclass(frozen=True, kw_only=True)
class Part(Options):
    """A row or a column of a figure: what its panels have in common.

    A factor that neither the row nor the column of a panel names is the first of its list in the
    configuration.
    """

    title: str | None = None
    """What the panels are called; null: the factors that are named here."""
    dataset: str | None = None
    """Data set, by its name in datasets."""
    model: str | None = None
    """Network, by its name in models."""
    alpha: Annotated[float, Gt(0)] | None = None
    """Concentration of the classes; need not be among alphas."""
    clients: Annotated[int, Ge(1)] | None = None
    """Number of clients; need not be among clients."""
    algorithm: str | None = None
    """Federated learning algorithm, by its name in algorithms."""
    strategies: Annotated[tuple[str, ...], MinLen(1)] | None = None
    """Strategies that are drawn, in the order of the legend; null: the figure's."""


@dataclass(frozen=True, kw_only=True)
class Figure(Options):
    """A figure of panels: every row with every column."""

    shows: Shows = "accuracy"
    """What a panel shows: accuracy curves; partition, the classes that each client holds; or
    predictions, the classes that the models of cycle 0 predict for one client."""
    title: str = ""
    """What the figure is about, written above it."""
    rows: tuple[Part, ...] = ()
    """Rows of panels; none: a single row."""
    columns: tuple[Part, ...] = ()
    """Columns of panels; none: a single column."""
    strategies: Annotated[tuple[str, ...], MinLen(1)] | None = None
    """Strategies of the panels whose row and column name none; null: all. Predictions take the
    structural probabilities' options from one of them, a strategy ifal."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the legend calls strategies, by name, where it is something else than the name."""
    client: Annotated[int, Ge(0)] = 0
    """The client that predictions are shown of, counted from 0."""


@dataclass(frozen=True, kw_only=True)
class Style(Options):
    """How all pictures look."""

    width: Annotated[float, Gt(3)] = 7.2
    """Width of a figure in inches; the pictures of single settings are smaller."""
    font_size: Annotated[float, Gt(0)] = 8
    """Size of the text in points."""
    dpi: Annotated[int, Ge(50)] = 200
    """Pixels per inch of the .png files."""
