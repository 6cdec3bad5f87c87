"""Tables as text: numbers are carried to here, and become CSV, Markdown and HTML by pandas."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from fal.storage import without_formulas

DECIMALS: dict[Hashable, int] = {
    "labeled": 0,
    "labeled_fraction": 4,
    "accuracy": 4,
    "accuracy_last5": 4,
    "accuracy_mean": 4,
    "accuracy_std": 4,
    **dict.fromkeys(("balanced_accuracy", "macro_f1", "worst_class", "worst_client"), 4),
    **dict.fromkeys(("recall", "precision", "f1"), 4),
    **dict.fromkeys(("effective_classes", "coverage", "imbalance"), 4),
    **dict.fromkeys(("rank_inter", "rank_intra", "rank_ratio"), 4),
    **dict.fromkeys(("rank_correlation", "overlap"), 4),
    "wrong": 4,
    "megabytes_down": 3,
    "megabytes_up": 3,
    "global_accuracy": 4,
    "local_accuracy": 4,
    "kd_accuracy": 4,
    "candidates": 4,
    **dict.fromkeys(("mean", "reference_mean", "difference", "low", "high", "hodges_lehmann"), 4),
    **dict.fromkeys(("area", "win_ratio", "target", "iqm", "rank", "critical_difference"), 4),
    **dict.fromkeys(("p", "p_holm", "p_worse", "p_worse_holm"), 6),
    **dict.fromkeys(("smallest_p", "smallest_p_holm"), 6),
    **dict.fromkeys(("needed", "saved"), 1),
}
"""Decimals of the columns of CSV files; others have as many as they need."""


class Readable(Protocol):
    """A table to read."""

    def texts(self) -> pd.DataFrame:
        """Its cells as texts; the first column says what the rows are."""

    def best(self) -> pd.DataFrame:
        """Which cells of ``texts`` are the best of their column."""


@dataclass(frozen=True)
class Texts:
    """A table to read whose cells are texts already, and none the best."""

    cells: pd.DataFrame

    def texts(self) -> pd.DataFrame:
        return self.cells.fillna("").astype(str)

    def best(self) -> pd.DataFrame:
        return pd.DataFrame(False, index=self.cells.index, columns=self.cells.columns)


@dataclass(frozen=True)
class Measured:
    """A table to read: means and their standard deviations, cell by cell.

    mean, std: floats with the same index (what the rows are, by name) and columns; a missing mean
    is an empty cell, a missing std a cell without one. decimals: of columns that have not 2.
    contenders: which rows can have the best cells, bool by the index; None: all.
    """

    mean: pd.DataFrame
    std: pd.DataFrame
    decimals: Mapping[str, int] = field(default_factory=dict)
    contenders: pd.Series | None = None

    def texts(self) -> pd.DataFrame:
        """The index as columns, and cells such as '1.20 ± 0.30', '1.20' or nothing."""
        cells = {
            name: [
                _cell(mean, std, decimals)
                for mean, std in zip(self.mean[name], self.std[name], strict=True)
            ]
            for name, decimals in self._decimals().items()
        }
        return pd.DataFrame(cells, index=self.mean.index).reset_index().astype(str)

    def best(self) -> pd.DataFrame:
        """Which cells of ``texts`` show the highest mean of their column, where means differ."""
        mean = self.mean if self.contenders is None else self.mean[self.contenders]
        shown = mean.reindex(self.mean.index).round(self._decimals()).reset_index(drop=True)
        best = shown.eq(shown.max()) & (shown.nunique() > 1)
        return best.reindex(columns=[*self.mean.index.names, *self.mean], fill_value=False)

    def _decimals(self) -> dict[str, int]:
        return {str(name): self.decimals.get(str(name), 2) for name in self.mean}


def _cell(mean: float, std: float, decimals: int) -> str:
    if pd.isna(mean):
        return ""
    return f"{mean:.{decimals}f}" if pd.isna(std) else f"{mean:.{decimals}f} ± {std:.{decimals}f}"


def plain(number: float) -> str:
    """The number without exponent or trailing zeros."""
    return np.format_float_positional(number, trim="-")


def to_csv(table: pd.DataFrame) -> str:
    """The table as CSV text whose bytes depend on the values alone; formulas are disarmed."""
    texts = without_formulas(table)
    for name, values in table.select_dtypes("float").items():
        written = f"{{:.{DECIMALS[name]}f}}".format if name in DECIMALS else plain
        texts[name] = values.map(written, na_action="ignore")
    return texts.to_csv(index=False, lineterminator="\n")


def to_markdown(tables: Mapping[str, Readable]) -> str:
    """The tables as Markdown, each under its title; the best mean of each column in bold."""
    return "\n".join(f"### {title}\n\n{markdown(table)}\n" for title, table in tables.items())


def markdown(table: Readable) -> str:
    """The table as Markdown, the best mean of each column in bold."""
    texts = table.texts().map(_in_a_cell).rename(columns=_in_a_cell)
    best = table.best().rename(columns=_in_a_cell)
    marked = texts.mask(best, "**" + texts + "**")
    sides = ["left", *["right"] * (len(texts.columns) - 1)]
    return str(marked.to_markdown(index=False, disable_numparse=True, colalign=sides))


def _in_a_cell(text: str) -> str:
    """The text without what would end a cell of Markdown."""
    return text.replace("|", r"\|").replace("\n", " ")


def to_html(table: Readable, mark_best: bool = True) -> str:
    """The table as an HTML element, with names escaped.

    mark_best: give the highest mean of each column the class ``best``.
    """
    texts = table.texts()
    styler = texts.style.hide(axis="index").format(escape="html")
    styler = styler.format_index(escape="html", axis="columns")
    if mark_best:
        classes = pd.DataFrame("", index=texts.index, columns=texts.columns)
        styler = styler.set_td_classes(classes.mask(table.best(), "best"))
    return styler.set_uuid("").to_html(cell_ids=False)
