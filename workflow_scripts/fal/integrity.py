"""Whether files are still what the jobs wrote.

A job leaves a record, ``*provenance.json``, in the folder of its outputs or the one above, which
holds the digest of each. Who reads a file has it compared; a file that no record names is taken as
it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fal.errors import InputError
from fal.storage import save_text

RECORDS = "*provenance.json"
OUTPUTS, SEAL = "outputs", "seal"


class DamagedError(InputError):
    """Files are not what their jobs wrote.

    paths: the files. siblings: all that the same jobs wrote.
    """

    def __init__(self, sentence: str, paths: Sequence[Path], siblings: Iterable[Path] = ()):
        super().__init__(sentence)
        self.paths, self.siblings = paths, frozenset(siblings)


@dataclass(frozen=True)
class Record:
    """One job's record: where it lies, the step, and the digest of each output by its path."""

    path: Path
    step: str
    outputs: Mapping[Path, str]


def digest(path: str | Path) -> str:
    """The SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_record(path: str | Path, record: Mapping[str, Any], outputs: Iterable[str]) -> None:
    """Write a record as JSON, with the digests of ``outputs`` and, in the end, of itself."""
    folder = Path(path).parent
    digests = {Path(o).relative_to(folder).as_posix(): digest(o) for o in outputs}
    content = json.loads(json.dumps({**record, OUTPUTS: digests}, default=str))
    content[SEAL] = _seal(content)
    save_text(path, json.dumps(content, indent=2) + "\n")


def read_record(path: str | Path) -> Record:
    """A record that ``write_record`` wrote; one of before there were digests has no outputs.

    Raises DamagedError if it is not as it was written.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        seal = content.pop(SEAL, None)
        if seal != (_seal(content) if OUTPUTS in content else None):
            raise ValueError("its seal is broken")
        outputs = {path.parent / name: found for name, found in content.get(OUTPUTS, {}).items()}
        return Record(path, content["step"], outputs)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told_of = [*path.parent.glob("*"), *path.parent.glob("*/*")]
        raise DamagedError(f"the record '{path}' is damaged", [path], told_of) from error


class Records:
    """The records that name files, each of them read once."""

    def __init__(self) -> None:
        self._read: dict[Path, Record] = {}
        self._folders: dict[Path, list[Path]] = {}

    def of(self, path: Path) -> list[Record]:
        """The records that name ``path``; more than one where a file came from several rules.

        Raises DamagedError if one is damaged.
        """
        beside = [record for folder in path.parents[:2] for record in self._in(folder)]
        return [record for record in map(self.read, beside) if path in record.outputs]

    def read(self, path: Path) -> Record:
        """As ``read_record``."""
        if path not in self._read:
            self._read[path] = read_record(path)
        return self._read[path]

    def _in(self, folder: Path) -> list[Path]:
        if folder not in self._folders:
            self._folders[folder] = sorted(folder.glob(RECORDS))
        return self._folders[folder]


def check(paths: Iterable[str | Path]) -> None:
    """Raise DamagedError, in a sentence that names the first, if files are damaged or missing."""
    records = Records()
    damaged: dict[Path, list[Record]] = {}
    for path in map(Path, paths):
        if path.match(RECORDS):
            records.read(path)
        elif (known := records.of(path)) and not intact(path, known):
            damaged[path] = known
    if damaged:
        first, known = next(iter(damaged.items()))
        step = known[0].step
        state = (
            f"is not what {step} wrote" if first.exists() else f"is missing, though {step} wrote it"
        )
        others = f" (nor are {len(damaged) - 1} other files)" if len(damaged) > 1 else ""
        siblings = [
            path for known in damaged.values() for record in known for path in record.outputs
        ]
        raise DamagedError(f"'{first}' {state}{others}", [*damaged], siblings)


def intact(path: Path, records: Iterable[Record]) -> bool:
    """Whether a file is what one of the records that name it says."""
    try:
        return digest(path) in [record.outputs[path] for record in records]
    except FileNotFoundError:
        return False


def recorded(path: str | Path) -> dict[str, str]:
    """The digests of all that the job that wrote ``path`` wrote, by name; none if unknown."""
    of_path = Records().of(Path(path))
    return {p.name: found for record in of_path for p, found in record.outputs.items()}


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
