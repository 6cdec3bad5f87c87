"""Reading files out of a folder or an archive that nobody has vouched for.

Nothing is ever unpacked to the disk, no member may lead out of the archive's own folder, links and
devices are refused, and so is what is made to fill the memory. An archive that ends early is
noticed even where its members look whole.
"""

import gzip
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from fal.errors import InputError

DECOMPRESSORS: dict[bytes, Callable[..., Any]] = {
    b"\xfd7zXZ\x00": lzma.open,
    b"\x1f\x8b": gzip.open,
}
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
)

UTF8_NAME = 1 << 11

STRAY_FOLDERS = {"__MACOSX"}

MAX_FILES = 20_000_000
"""Members that an archive may have."""

MAX_FILE_BYTES = 1 << 30
"""Size that a member may have: an image has less."""

MAX_EXPANSION, SMALL_BYTES = 200, 1 << 30
"""How many times its size an archive may unpack to, beyond SMALL_BYTES: images shrink little."""

Read = Callable[[], bytes]


def files(path: str | Path) -> Iterator[tuple[str, Read]]:
    """Every regular file of the folder or archive ``path``: its relative POSIX name and a reader.

    Archives are .zip, .tar, .tar.gz or .tar.xz, told apart by content. Tar archives are streamed:
    call a reader before asking for the next file. Hidden files are left out, and what macOS adds
    to archives.
    Raises InputError if ``path`` is missing, no such archive, damaged, or without any file, if a
    member is encrypted, a link, a device, or named so that it would leave its folder, and beyond
    the limits MAX_FILES, MAX_FILE_BYTES and MAX_EXPANSION.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"path '{path}' does not exist")
    empty = True
    with _damage_named(path):
        for name, read in _reader(path)(path):
            if any(part.startswith(".") or part in STRAY_FOLDERS for part in name.split("/")):
                continue
            empty = False
            yield name, partial(_read_named, path, read)
    if empty:
        raise InputError(f"'{path}' is empty: it holds no files")


def _reader(path: Path) -> Callable[[Path], Iterator[tuple[str, Read]]]:
    if path.is_dir():
        return _folder_files
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise InputError(f"'{path}' is empty: it is a file of 0 bytes")
    if head.startswith(b"PK"):
        return _zip_files
    if _decompressor(head) or _is_tar(path):
        return _tar_files
    raise InputError(
        f"'{path}' is neither a folder nor an intact .zip, .tar, .tar.gz or .tar.xz archive"
    )


def _is_tar(path: Path) -> bool:
    try:
        with tarfile.open(path, "r:"):
            return True
    except tarfile.TarError:
        return False


def _decompressor(head: bytes) -> Callable[..., Any] | None:
    return next((opener for magic, opener in DECOMPRESSORS.items() if head.startswith(magic)), None)


def _folder_files(root: Path) -> Iterator[tuple[str, Read]]:
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for path in (Path(folder, name) for name in [*subfolders, *sorted(names)]):
            if path.name.startswith("."):
                continue
            if path.is_symlink():
                raise InputError(f"'{path}' is a link; put the files themselves into '{root}'")
            if path.is_file():
                yield path.relative_to(root).as_posix(), path.read_bytes


class _Limits:
    """Counts what an archive holds, and refuses a bomb before it is read."""

    def __init__(self, path: Path):
        self.path = path
        self.allowed = max(SMALL_BYTES, MAX_EXPANSION * path.stat().st_size)
        self.files = self.total = 0

    def add(self, name: str, size: int) -> None:
        """Take notice of a member of ``size`` bytes."""
        self.files += 1
        self.total += size
        if size > MAX_FILE_BYTES:
            self._refuse(f"'{name}' has {size / 1e6:,.0f} MB")
        if self.files > MAX_FILES:
            self._refuse(f"it holds more than {MAX_FILES:,} files")
        self.check(self.total)

    def check(self, unpacked: int) -> None:
        """Raise InputError if ``unpacked`` bytes are more than an archive of this size may hold."""
        if unpacked > self.allowed:
            self._refuse(f"it unpacks to more than {self.allowed / 1e6:,.0f} MB")

    def _refuse(self, reason: str) -> None:
        raise InputError(
            f"'{self.path}' is no archive of images: {reason}; if it is, unpack it and give the "
            "folder instead"
        )


def _zip_files(path: Path) -> Iterator[tuple[str, Read]]:
    limits = _Limits(path)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            limits.add(member.filename, member.file_size)
            # Unix keeps the file type in the upper half of this field, other systems keep 0 there.
            kind = stat.S_IFMT(member.external_attr >> 16)
            folder = member.is_dir() or kind == stat.S_IFDIR
            name = _safe_name(path, _zip_name(member), folder or kind in (0, stat.S_IFREG))
            if member.flag_bits & 1:
                raise InputError(f"'{path}' is encrypted; unpack it and give the folder instead")
            if not folder:
                yield name, partial(archive.read, member)


def _zip_name(member: zipfile.ZipInfo) -> str:
    """The member's name; macOS writes UTF-8 without saying so, and Python takes it for CP437."""
    if member.flag_bits & UTF8_NAME:
        return member.filename
    try:
        return member.filename.encode("cp437").decode()
    except UnicodeError:
        return member.filename


def _tar_files(path: Path) -> Iterator[tuple[str, Read]]:
    limits = _Limits(path)
    with path.open("rb") as raw:
        opener = _decompressor(raw.peek(8))
        stream: Any = _MeasuredStream(opener(raw) if opener else raw, limits)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                limits.add(member.name, member.size)
                name = _safe_name(path, member.name, member.isreg() or member.isdir())
                file = archive.extractfile(member) if member.isreg() else None
                if file is not None:
                    yield name, file.read
        # tarfile takes a broken header for the end, so see that nothing but zeros follows it.
        stream.drain()
        if stream.used > archive.offset or stream.size < archive.offset + tarfile.BLOCKSIZE:
            raise tarfile.ReadError("members are missing at its end")


class _MeasuredStream:
    """A byte stream that counts its ``size`` and how much of it is ``used`` before final zeros."""

    def __init__(self, stream: BinaryIO, limits: _Limits):
        self.stream, self.limits = stream, limits
        self.size = self.used = 0

    def read(self, count: int) -> bytes:
        chunk = self.stream.read(count)
        if used := len(chunk.rstrip(b"\0")):
            self.used = self.size + used
        self.size += len(chunk)
        self.limits.check(self.size)
        return chunk

    def drain(self) -> None:
        """Read to the end, where compressed formats keep a checksum."""
        while self.read(1 << 16):
            pass


def _safe_name(archive: Path, name: str, plain: bool) -> str:
    """The member's name with forward slashes, or an InputError if it is not safe to use."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match("[A-Za-z]:", name):
        raise InputError(f"'{archive}' holds '{name}', which would leave the archive's folder")
    if not plain:
        raise InputError(f"'{archive}' holds '{name}', which is a link or a device and not a file")
    return str(parts)


def _read_named(path: Path, read: Read) -> bytes:
    with _damage_named(path):
        return read()


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn what decompressors raise into one sentence with the archive's name."""
    try:
        yield
    except DAMAGE as error:
        raise InputError(f"archive '{path}' is damaged or incomplete ({error})") from error
