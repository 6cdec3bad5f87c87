"""Tables to read, as Markdown and as a page of their own."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from fal.reporting.formats import Readable, to_html, to_markdown
from fal.reporting.page import render_tables


def write(
    markdown: str | Path,
    html: str | Path,
    title: str,
    notes: Iterable[str],
    tables: Mapping[str, Readable],
) -> None:
    """Write the tables, each under its name, below the notes (empty ones are left out)."""
    note = "\n\n".join(filter(None, notes))
    elements = {name: to_html(table) for name, table in tables.items()}
    for path, text in (
        (markdown, f"{note}\n\n{to_markdown(tables)}"),
        (html, render_tables(title, note, elements)),
    ):
        Path(path).write_text(text, encoding="utf-8")
