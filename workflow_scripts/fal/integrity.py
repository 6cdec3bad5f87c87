"""Whether files are still what the jobs wrote.

A job leaves a record, ``*provenance.json``, in the folder of its outputs or the one above, which
holds the digest of each. Who reads a file has it compared; a file that no record names is taken as
it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fal.errors import InputError
from fal.storage import save_text

RECORDS = "*provenance.json"
OUTPUTS = "outputs"
_SEAL = ',\n  "seal": "'


class DamagedError(InputError):
    """Files are not what their jobs wrote.

    paths: the files. siblings: all that the same jobs wrote.
    """

    def __init__(self, sentence: str, paths: Sequence[Path], siblings: Iterable[Path] = ()):
        super().__init__(sentence)
        self.paths, self.siblings = paths, frozenset(siblings)


@dataclass(frozen=True)
class Record:
    """One job's record: the step, and the digests of its outputs by their paths from ``folder``."""

    folder: Path
    step: str
    outputs: Mapping[str, str]

    def paths(self) -> list[Path]:
        """Where the outputs are."""
        return [self.folder / name for name in self.outputs]


def hidden_record(first: str | Path) -> str:
    """The name of the record of a job whose rule names none, after the first file that it wrote."""
    return f".{Path(first).stem}_provenance.json"


def digest(path: str | Path) -> str:
    """The SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def intact(path: Path, digests: Collection[str]) -> bool:
    """Whether a file has one of the digests."""
    try:
        return digest(path) in digests
    except FileNotFoundError:
        return False


def write_record(path: str | Path, record: Mapping[str, Any], outputs: Iterable[str]) -> None:
    """Write a record as JSON, with the digests of ``outputs`` and, as its seal, of itself."""
    folder = Path(path).parent
    digests = {Path(o).relative_to(folder).as_posix(): digest(o) for o in outputs}
    text = json.dumps({**record, OUTPUTS: digests}, indent=2, default=str)
    save_text(path, _sealed(text.removesuffix("\n}")))


def read_record(path: str | Path) -> Record:
    """A record that ``write_record`` wrote; one of before there were digests has no outputs.

    Raises DamagedError if it is not as it was written.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        if {OUTPUTS, "seal"} & content.keys() and text != _sealed(text.rpartition(_SEAL)[0]):
            raise ValueError("its seal is broken")
        return Record(path.parent, content["step"], content.get(OUTPUTS, {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told_of = [*path.parent.glob("*"), *path.parent.glob("*/*")]
        raise DamagedError(f"the record '{path}' is damaged", [path], told_of) from error


def _sealed(text: str) -> str:
    """A record's text without its last brace, with the digest of that and the brace."""
    return f'{text}{_SEAL}{hashlib.sha256(text.encode()).hexdigest()}"\n}}\n'


class Records:
    """The records that name files, each of them read once."""

    def __init__(self) -> None:
        self._of_folder: dict[Path, list[Record]] = {}

    def of(self, path: Path) -> list[tuple[Record, str]]:
        """The records that name ``path``, each with the digest that it gives.

        There are several where a file was made by one rule and later by another. Raises
        DamagedError if a record is damaged.
        """
        folder, above = path.parent, path.parent.parent
        known = [(record, path.name) for record in self._in(folder)]
        known += [(record, f"{folder.name}/{path.name}") for record in self._in(above)]
        return [(record, record.outputs[name]) for record, name in known if name in record.outputs]

    def _in(self, folder: Path) -> list[Record]:
        if folder not in self._of_folder:
            paths = sorted(folder.glob(RECORDS))
            self._of_folder[folder] = [read_record(path) for path in paths]
        return self._of_folder[folder]


def check(paths: Iterable[str | Path]) -> None:
    """Raise DamagedError, in a sentence that names the first, if files are damaged or missing."""
    records = Records()
    damaged: dict[Path, list[Record]] = {}
    for path in map(Path, paths):
        known = records.of(path)
        if known and not intact(path, [expected for _, expected in known]):
            damaged[path] = [record for record, _ in known]
    if damaged:
        first, writers = next(iter(damaged.items()))
        step = writers[0].step
        state = f"not what {step} wrote" if first.exists() else f"missing, though {step} wrote it"
        others = f" (nor are {len(damaged) - 1} other files)" if len(damaged) > 1 else ""
        siblings = [p for known in damaged.values() for record in known for p in record.paths()]
        raise DamagedError(f"'{first}' is {state}{others}", [*damaged], siblings)


def recorded(path: str | Path) -> dict[str, str]:
    """The digests of all that the job that wrote ``path`` wrote, by name; none if unknown."""
    known = Records().of(Path(path))
    return {name: found for record, _ in known for name, found in record.outputs.items()}
