"""Whether a results folder still holds what its jobs wrote: ``python -m fal.verify [results]``.

It reads what lies in the folder alone, so that a copy can be verified too.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fal.errors import InputError
from fal.integrity import RECORDS, DamagedError, Record, hidden_record, intact, read_record
from fal.layout import REMOVED_AFTER_USE

WITH_RECORDS = ("data", "partitions", "runs", "tables", "figures")
"""The folders, below the results, whose files all stand in records."""

SHOWN = 20
"""How many files of a sort are listed."""


@dataclass(frozen=True)
class Found:
    """What a results folder holds, as paths.

    intact: as they were written. damaged: not so, or their record is. missing: written, but not
    there any more. unrecorded: written by nobody who left a record.
    """

    intact: list[Path]
    damaged: list[Path]
    missing: list[Path]
    unrecorded: list[Path]


def results_folder(results: str | Path) -> Path:
    """The folder that a run writes to; raises InputError if there is none of this name."""
    if not Path(results).is_dir():
        raise InputError(f"'{results}' is no folder; give the folder that a run writes to")
    return Path(results)


def verify(results: str | Path) -> Found:
    """Compare all files of a results folder with the records of the jobs that wrote them.

    Raises InputError if there is no such folder.
    """
    results = results_folder(results)
    records, damaged = _read(results.rglob(RECORDS))
    known: dict[Path, list[str]] = {}
    for record in records.values():
        for path, expected in zip(record.paths(), record.outputs.values(), strict=True):
            known.setdefault(path, []).append(expected)
    there = [path for path in known if path.exists()]
    with ThreadPoolExecutor() as threads:
        whole = list(threads.map(lambda path: intact(path, known[path]), there))
    damaged += [path for path, good in zip(there, whole, strict=True) if not good]
    unrecorded = set(_results_of_jobs(results)) - known.keys()
    untold = {p for p in unrecorded if p.with_name(hidden_record(p)) in damaged}
    unrecorded -= untold
    damaged += untold
    return Found(
        intact=[path for path, good in zip(there, whole, strict=True) if good],
        damaged=sorted(damaged),
        missing=sorted({*_missing(records)}),
        unrecorded=sorted(unrecorded),
    )


def _read(paths: Iterable[Path]) -> tuple[dict[Path, Record], list[Path]]:
    """The records that can be read, by path, and the paths of those that cannot."""
    records, damaged = {}, []
    for path in paths:
        try:
            records[path] = read_record(path)
        except DamagedError:
            damaged.append(path)
    return records, damaged


def _missing(records: Mapping[Path, Record]) -> Iterable[Path]:
    """What records name and is gone, but for what the workflow itself removes after use.

    A table's or picture's own record tells nothing any more once all that it names are gone.
    """
    for at, record in records.items():
        gone = [path for path in record.paths() if not path.exists()]
        if not (at.name.startswith(".") and len(gone) == len(record.outputs)):
            yield from (path for path in gone if path.name not in REMOVED_AFTER_USE)


def _results_of_jobs(results: Path) -> Iterable[Path]:
    for folder in WITH_RECORDS:
        for path in results.joinpath(folder).rglob("*"):
            hidden = path.name.startswith(".") or path.suffix == ".damaged"
            if path.is_file() and not hidden and not path.match(RECORDS):
                yield path


def text(results: str | Path, found: Found) -> str:
    """What was found, in plain text."""
    lines = [f"{results}: {len(found.intact)} files are what their jobs wrote."]
    for title, paths in (
        ("Damaged, or changed since", found.damaged),
        ("Missing", found.missing),
        ("Without a record, so not checked", found.unrecorded),
    ):
        if paths:
            more = [f"  and {len(paths) - SHOWN} more"] if len(paths) > SHOWN else []
            lines += [f"{title} ({len(paths)}):", *(f"  {path}" for path in paths[:SHOWN]), *more]
    return "\n".join(lines)


def remedy(targets: Sequence[Path]) -> str:
    """The command that makes files anew."""
    names = shlex.join(map(str, targets))
    return (
        "To make them anew (this run's --configfile and --config go last):\n"
        f"  snakemake --cores all {names}"
    )


def main(arguments: list[str] | None = None) -> None:
    """Verify the results folder that the command line names; exit status 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="Check a results folder against its records.")
    parser.add_argument("results", nargs="?", default="results", help="the folder of a run")
    parser.add_argument("--remove", action="store_true", help="remove what is damaged")
    given = parser.parse_args(arguments)
    try:
        found = verify(given.results)
    except InputError as error:
        parser.exit(1, f"Error: {error}\n")
    print(text(given.results, found))
    wrong = [*found.damaged, *found.missing]
    if not wrong:
        return
    if given.remove:
        for path in found.damaged:
            path.unlink()
        print(f"Removed {len(found.damaged)} damaged files.")
    elif found.damaged:
        print("make repair (python -m fal.verify --remove) removes the damaged files.")
    on_demand = [p for p in wrong if p.name.startswith(".") or p.name in REMOVED_AFTER_USE]
    if targets := [path for path in wrong if path not in on_demand]:
        print(remedy(targets))
    sys.exit(1)


if __name__ == "__main__":
    main()
