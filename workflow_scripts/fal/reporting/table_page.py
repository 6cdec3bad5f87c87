"""Tables to read, as Markdown and as a page of their own."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from fal.reporting.formats import Readable, to_html, to_markdown
from fal.reporting.page import render_tables
from fal.storage import save_text


def write(
    markdown: str | Path,
    html: str | Path,
    title: str,
    notes: Iterable[str],
    tables: Mapping[str, Readable],
    scale: str = "",
) -> None:
    """Write the tables, each under its name, below the notes (empty ones are left out).

    scale: what was made smaller for them, which is said first.
    """
    smaller = f"Made smaller: {scale}." if scale else ""
    note = "\n\n".join(filter(None, [smaller, *notes]))
    elements = {name: to_html(table) for name, table in tables.items()}
    save_text(markdown, f"{note}\n\n{to_markdown(tables)}")
    save_text(html, render_tables(title, note, elements))
