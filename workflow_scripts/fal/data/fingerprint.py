"""Short texts that change when files are added, removed or changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fal import integrity
from fal.errors import InputError


def fingerprint(sources: Iterable[Path]) -> str:
    """Digest of the names, sizes and times of the files ``sources`` and of all files below them.

    It is made without reading them. Raises InputError if one of them does not exist.
    """
    return _digest(sources, _size_and_time)


def content_digest(sources: Iterable[Path]) -> str:
    """Digest of the names and contents of the files ``sources`` and of all files below them.

    Raises InputError if one of them cannot be read.
    """
    return _digest(sources, _content)


def _digest(sources: Iterable[Path], tell: Callable[[str], str]) -> str:
    """Digest of what ``tell`` says of each file, and of the files' names."""
    digest = hashlib.blake2b(digest_size=16)
    for source in sources:
        try:
            for name, path in sorted(_files(source)):
                digest.update(os.fsencode(f"{name}\0{tell(path)}\n"))
        except OSError as error:
            raise InputError(f"path '{source}' cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def _files(source: Path) -> Iterator[tuple[str, str]]:
    """Name and path of the file ``source``, or of each file below the folder, hidden ones not."""
    if not source.is_dir():
        yield source.name, os.path.realpath(source, strict=True)
        return
    folders = [str(source)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    yield entry.path.removeprefix(str(source)), entry.path


def _size_and_time(path: str) -> str:
    status = os.lstat(path)
    return f"{status.st_size}\0{status.st_mtime_ns}"


def _content(path: str) -> str:
    """The digest of a file's content; empty for a link that leads to no file."""
    return integrity.digest(path) if Path(path).is_file() else ""
