"""Tables as text: CSV of exact bytes, Markdown, and a page of HTML that needs nothing else."""

import html
from collections.abc import Mapping

import numpy as np
import pandas as pd

DECIMALS = {
    "labeled": 0,
    "labeled_fraction": 4,
    "accuracy": 4,
    "accuracy_last5": 4,
    "accuracy_mean": 4,
    "accuracy_std": 4,
    "imbalance": 4,
    "candidates": 4,
}


def to_csv(table: pd.DataFrame) -> str:
    """The table as CSV text whose bytes depend on the values alone."""
    texts = {column: [_text(value, column) for value in table[column]] for column in table}
    return pd.DataFrame(texts, columns=table.columns).to_csv(index=False, lineterminator="\n")


def _text(value: object, column: str) -> str:
    if pd.isna(value):
        return ""
    if column in DECIMALS:
        return f"{value:.{DECIMALS[column]}f}"
    return plain(value) if isinstance(value, float) else str(value)


def plain(number: float) -> str:
    """The number without exponent or trailing zeros."""
    return np.format_float_positional(number, trim="-")


def mean_and_spread(mean: float, std: float) -> str:
    """'mean ± std', 'mean' where there is no std, or nothing where there is no mean."""
    if pd.isna(mean):
        return ""
    return f"{mean:.2f}" if pd.isna(std) else f"{mean:.2f} ± {std:.2f}"


def to_markdown(tables: Mapping[str, pd.DataFrame]) -> str:
    """The tables as Markdown, each under its title; the best mean of each column in bold."""
    parts = []
    for title, table in tables.items():
        bold = _best(table)
        lines = [list(table.columns), ["---", *["---:"] * (len(table.columns) - 1)]]
        for i, row in enumerate(table.itertuples(index=False)):
            lines.append([f"**{x}**" if (i, j) in bold else x for j, x in enumerate(row)])
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        parts.append(f"### {title}\n\n{text}\n")
    return "\n".join(parts)


def to_html(
    tables: Mapping[str, pd.DataFrame], heading: str, note: str, mark_best: bool = True
) -> str:
    """One page, without links to anything outside it, of all tables.

    mark_best: show the highest mean of each column in bold.
    """
    parts = [_HTML_HEAD.replace("HEADING", html.escape(heading)), f"<p>{html.escape(note)}</p>"]
    for title, table in tables.items():
        bold = _best(table) if mark_best else ()
        parts += [f"<h2>{html.escape(title)}</h2>", "<table>", "<thead><tr>"]
        parts += [f"<th>{html.escape(column)}</th>" for column in table]
        parts.append("</tr></thead><tbody>")
        for i, row in enumerate(table.itertuples(index=False)):
            cells = [html.escape(str(value)) for value in row]
            cells = [f"<b>{x}</b>" if (i, j) in bold else x for j, x in enumerate(cells)]
            parts.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        parts += ["</tbody>", "</table>"]
    return "\n".join([*parts, "</body></html>", ""])


def _best(table: pd.DataFrame) -> set[tuple[int, int]]:
    """Positions (row, column) of the highest means, where they differ."""
    best = set()
    for j, column in enumerate(table.columns):
        means = pd.to_numeric(table[column].str.split(" ").str[0], errors="coerce")
        if column not in ("strategy", "rank") and means.nunique() > 1:
            best |= {(i, j) for i in range(len(means)) if means[i] == means.max()}
    return best


_HTML_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>HEADING</title><style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.1em; margin: 2em 0 .5em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .9em; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid #444; } tbody tr:nth-child(even) { background: #f3f3f3; }
p { max-width: 50em; }
</style></head><body><h1>HEADING</h1>"""
