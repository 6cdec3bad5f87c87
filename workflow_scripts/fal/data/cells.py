"""Tables as people save them: lines of cells, the first of which names the columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from fal.errors import InputError

DELIMITERS = (",", ";", "\t")

Lines = Iterator[tuple[int, list[str]]]
"""The cells of each line, and its number, counted from 1."""


def read_lines(text: str) -> Lines:
    """The lines of a table whose cells are separated by commas, semicolons or tabs.

    A line that goes on within quotes has the number of its first one.
    Raises InputError where a cell is so long that a quote must have been left open.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(
                f'line {line} opens a quote (") that is not closed ({error})'
            ) from error
        if cells is None:
            return
        yield line, cells


def read_header(lines: Lines) -> list[str]:
    """The names of the columns, in small letters; one line is taken from ``lines``."""
    _, cells = next(lines, (1, []))
    return [cell.strip().casefold() for cell in cells]


def repeated(header: Sequence[str], columns: Sequence[str]) -> str:
    """The first of ``columns`` that ``header`` has more than once, or nothing."""
    return next((column for column in columns if header.count(column) > 1), "")


def surplus(cells: Sequence[str], width: int) -> str:
    """What is wrong with a line that has more cells than its ``width`` columns, or nothing."""
    beyond = next((cell.strip() for cell in cells[width:] if cell.strip()), None)
    if beyond is None:
        return ""
    return (
        f"has a cell beyond the {width} columns, '{beyond}'; a text that holds the separator "
        'must stand in quotes (")'
    )


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(DELIMITERS, key=head.count)
