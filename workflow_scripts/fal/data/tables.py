"""A table of images: which file is an example of which class, at which site, in which part.

A CSV file with the columns ``image`` and ``label`` and, where they are known, ``site`` and
``split``. All that is wrong with its rows is told at once, by line.
"""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fal.data.archives import files
from fal.data.cells import Lines, read_header, read_lines, repeated, surplus
from fal.data.listing import as_name
from fal.errors import InputError, suggest

COLUMNS = ("image", "site", "label", "split")
NEEDED = ("image", "label")
SPLITS = ("train", "test")
SUFFIXES = (".csv", ".tsv")
TEXTS = (".txt", ".md", ".xls", ".xlsx", ".ods", ".json", ".parquet")
"""Files that are taken for tables and are none of these."""
NAMED = 5
"""How many mistakes a sentence names."""


class Row(NamedTuple):
    """An image of a table: file in the folder or archive, site and label ('': unknown), part."""

    file: str
    site: str
    label: str
    test: bool


class Table(NamedTuple):
    """The rows of a table and the classes of their labels, in order."""

    rows: list[Row]
    classes: list[str]
    has_split: bool


def is_table(path: Path) -> bool:
    """Whether ``path`` is the table itself, and no folder or archive with one."""
    return path.is_file() and path.suffix.lower() in SUFFIXES


def find_table(path: Path, name: str | None = None) -> tuple[Path, str, str, list[str]]:
    """The table in the folder or archive ``path``, or the table ``path`` itself.

    name: of the table within ``path``; without one, the only .csv or .tsv file counts.

    Returns the folder or archive that the images are in, the table's name within it, its text and
    the names of all other files. Raises InputError if there is no or more than one table, or if it
    is no UTF-8 text.
    """
    root = path
    if path.is_file() and path.suffix.lower() in TEXTS:
        raise InputError(f"'{path}' is no table: its name must end in {' or '.join(SUFFIXES)}")
    if is_table(path):
        root, name = path.parent, path.name
    tables: dict[str, bytes] = {}
    names = []
    for file, read in files(root):
        wanted = file == name if name else PurePosixPath(file).suffix.lower() in SUFFIXES
        if wanted:
            tables[file] = read()
        else:
            names.append(file)
    if not tables:
        raise InputError(
            f"'{root}' holds no table {name}"
            if name
            else f"'{root}' holds no table: a .csv file with the columns {', '.join(COLUMNS)}"
        )
    if len(tables) > 1:
        listed = ", ".join(sorted(tables)[:NAMED])
        raise InputError(f"'{root}' holds several tables ({listed}); say which one with table")
    ((name, data),) = tables.items()
    try:
        return root, name, data.decode("utf-8-sig"), names
    except UnicodeDecodeError:
        raise InputError(f"table '{name}' is not UTF-8 text; save it as UTF-8") from None


def read_table(
    name: str, text: str, names: Iterable[str], classes: Sequence[str] | None = None
) -> Table:
    """The images that the table ``name`` lists.

    names: of the files beside it; its own names are relative to its folder, compared as Unicode
    does (an umlaut may be one sign or two); so are labels and sites. classes: the list of classes,
    as ``as_name`` gives them; None: all that images of the training part have.
    Raises InputError with all mistakes of the rows, of which the first are named.
    """
    if "\0" in text:
        raise InputError(f"table '{name}' is no text; save it as CSV in UTF-8")
    records = _records(name, text)
    header = read_header(records)
    _check_header(name, header)
    mistakes: list[str] = []
    folder = str(PurePosixPath(name).parent)
    known = {unicodedata.normalize("NFC", file): file for file in names}
    rows: list[Row] = []
    lines: dict[str, int] = {}
    for line, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        row = {c: as_name(v) for c, v in zip(header, cells, strict=False)}
        image, split = row.get("image", ""), row.get("split", "").casefold()
        file = _file(folder, image)
        found = known.get(file)
        if shifted := _shifted(cells, len(header)):
            mistakes.append(f"line {line} {shifted}")
        elif not image:
            mistakes.append(f"line {line} names no image")
        elif found is None:
            mistakes.append(f"line {line}: there is no file '{image}'{_near(file, known)}")
        elif found in lines:
            mistakes.append(f"line {line}: '{image}' is listed in line {lines[found]} already")
        elif "split" in header and split not in SPLITS:
            mistakes.append(f"line {line}: split is '{split}', but must be train or test")
        elif classes is not None and row.get("label") and row["label"] not in classes:
            hint = suggest(row["label"], classes)
            mistakes.append(f"line {line}: label '{row['label']}' is no class{hint}")
        else:
            lines[found] = line
            rows.append(Row(found, row.get("site", ""), row.get("label", ""), split == "test"))
    mistakes += _inconsistent(rows, lines, classes)
    if mistakes:
        first, count = "; ".join(mistakes[:NAMED]), len(mistakes)
        more = f"; and {count - NAMED} more" if count > NAMED else ""
        noun = f"{count} mistakes" if count > 1 else "a mistake"
        raise InputError(f"table '{name}' has {noun}: {first}{more}")
    used = {row.label for row in rows if row.label and not row.test}
    found_classes = list(classes) if classes is not None else sorted(used)
    if len(found_classes) < 2:
        which = f"only one class, '{found_classes[0]}'" if found_classes else "no labels"
        raise InputError(f"table '{name}' has {which}; at least 2 classes are needed")
    return Table(rows, found_classes, "split" in header)


def listed_files(table: Path) -> list[Path]:
    """The files of those that the file ``table`` lists that are there, in its order.

    What is wrong with the table is left to ``read_table``.
    """
    try:
        records = _records(table.name, table.read_text(encoding="utf-8-sig"))
        header = read_header(records)
        column = header.index("image")
        images = [cells[column].strip() for _, cells in records if len(cells) > column]
    except (OSError, ValueError, InputError):
        return []
    spelled = ([table.parent / name for name in _spellings(image)] for image in images)
    found = (next(filter(os.path.isfile, paths), None) for paths in spelled)
    return [path for path in found if path]


def _spellings(image: str) -> list[str]:
    """The names on the disk that a table may mean: umlauts have one sign or two."""
    name = image.replace("\\", "/")
    if name.isascii():
        return [name]
    return [unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)]


def _records(name: str, text: str) -> Lines:
    """The lines of the table ``name``. Raises InputError with its name as ``read_lines`` does."""
    try:
        yield from read_lines(text)
    except InputError as error:
        raise InputError(f"table '{name}' has a mistake: {error}") from error


def _shifted(cells: Sequence[str], width: int) -> str:
    """Why ``cells`` may not belong to the ``width`` columns that they stand in, or nothing."""
    broken = next((cell for cell in cells if "\n" in cell or "\r" in cell), None)
    if broken is not None:
        start, *_ = broken.strip().splitlines() or [""]
        return (
            f"has a cell with a line break, '{start}...'; close its quote (\") or write it in one "
            "line"
        )
    return surplus(cells, width)


def _check_header(name: str, header: list[str]) -> None:
    if shifted := _shifted(header, len(header)):
        raise InputError(f"table '{name}' has a mistake: line 1 {shifted}")
    for column in NEEDED:
        if column not in header:
            raise InputError(
                f"table '{name}' has no column '{column}'{suggest(column, header)}; its first line "
                f"must name its columns, {', '.join(COLUMNS)}"
            )
    if column := repeated(header, COLUMNS):
        raise InputError(f"table '{name}' has the column '{column}' more than once")


def _file(folder: str, image: str) -> str:
    """The name, relative to the root, of a file that the table in ``folder`` calls ``image``."""
    path = PurePosixPath(folder, image.replace("\\", "/"))
    return unicodedata.normalize("NFC", posixpath.normpath(path))


def _near(file: str, known: Iterable[str]) -> str:
    if PurePosixPath(file).is_absolute():
        return "; paths start at the table's folder"
    same = next((name for name in known if name.casefold() == file.casefold()), None)
    return f", but '{same}'" if same else ""


def _inconsistent(
    rows: Sequence[Row], lines: dict[str, int], classes: Sequence[str] | None
) -> list[str]:
    """What is wrong with rows that are right each by itself."""
    mistakes = []
    if any(row.site for row in rows):
        mistakes += [f"line {lines[row.file]} names no site" for row in rows if not row.site]
    if rows and all(row.test for row in rows):
        mistakes.append("no image is in the training part")
    trained = {row.label for row in rows if not row.test}
    reported = set()
    for row in rows:
        unseen = row.test and row.label and row.label not in trained and classes is None
        if unseen and row.label not in reported:
            reported.add(row.label)
            mistakes.append(f"line {lines[row.file]}: class '{row.label}' is in the test part only")
    return mistakes
