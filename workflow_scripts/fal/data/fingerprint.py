"""A short text that changes when files are added, removed or changed, without reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from fal.errors import InputError


def fingerprint(sources: Iterable[Path]) -> str:
    """Digest of the names, sizes and times of the files ``sources`` and of all files below them.

    Raises InputError if one of them does not exist.
    """
    digest = hashlib.blake2b(digest_size=16)
    for source in sources:
        for line in sorted(_listing(source)):
            digest.update(os.fsencode(line))
    return digest.hexdigest()


def _listing(path: Path) -> Iterator[str]:
    """A line for the file ``path``, or for each file below the folder ``path``, hidden ones not."""
    try:
        if not path.is_dir():
            yield _line(path.name, path.stat())
            return
        folders = [str(path)]
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        yield _line(
                            entry.path.removeprefix(str(path)), entry.stat(follow_symlinks=False)
                        )
    except OSError as error:
        raise InputError(f"path '{path}' cannot be read ({error.strerror})") from error


def _line(name: str, status: os.stat_result) -> str:
    return f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"
