"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) in the official Python version.

That version consists of pickles. The MD5 sum of each is compared with the published one, and only
plain data is taken out of it: a pickle that names anything to be called is refused.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fal.data.archives import files
from fal.data.download import download
from fal.data.kinds.base import FromPath, RawImages
from fal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class _CIFAR(FromPath):
    """``path`` is the official archive, its folder, or a folder that holds either.

    Without a path the archive is downloaded. official: the name of torchvision's class, which
    knows the files and their MD5 sums.
    """

    official: ClassVar[str]
    folder: ClassVar[str]
    archive: ClassVar[str]
    classes: ClassVar[int]

    def read(self, download_dir: Path) -> RawImages:
        """50,000 training and 10,000 test images, 32 x 32 x 3.

        Raises InputError if nothing of the kind is there or a checksum is wrong.
        """
        from torchvision import datasets

        official = getattr(datasets, self.official)
        path = self.path or download(official.url, official.tgz_md5, download_dir)
        return _parse(official, _official_files(official, self._source(Path(path).resolve())))

    def source_size(self) -> tuple[int, int]:
        return self.classes, 50_000

    def _source(self, path: Path) -> Path:
        """The official folder or archive that ``path`` is or holds."""
        if path.name == self.folder or not path.is_dir():
            return path
        for name in (self.folder, self.archive):
            if (path / name).exists():
                return path / name
        raise InputError(
            f"'{path}' holds neither {self.folder}/ nor {self.archive}; leave path out to "
            "download it"
        )

    def _sources(self, path: Path) -> list[Path]:
        inside = [path / self.folder, path / self.archive]
        return [source for source in inside if source.exists()] or [path]


@dataclass(frozen=True, kw_only=True)
class CIFAR10(_CIFAR):
    """CIFAR-10: 10 classes of 5,000 training and 1,000 test images, 32 x 32 in color."""

    official = "CIFAR10"
    folder = "cifar-10-batches-py"
    archive = "cifar-10-python.tar.gz"
    classes = 10


@dataclass(frozen=True, kw_only=True)
class CIFAR100(_CIFAR):
    """CIFAR-100 with its 100 fine classes of 500 training and 100 test images."""

    official = "CIFAR100"
    folder = "cifar-100-python"
    archive = "cifar-100-python.tar.gz"
    classes = 100


def _official_files(official: Any, source: Path) -> dict[str, bytes]:
    """The contents of the official files, by name; InputError unless all are there and right."""
    meta = official.meta
    listed = [*official.train_list, *official.test_list, (meta["filename"], meta["md5"])]
    expected = dict(listed)
    found = {}
    for path, read in files(source):
        name = path.rpartition("/")[2]
        if name in expected:
            found[name] = read()
    for name, md5 in expected.items():
        if hashlib.md5(found.get(name, b""), usedforsecurity=False).hexdigest() != md5:
            raise InputError(
                f"the files of {official.base_folder} are incomplete or not the official ones: "
                f"the checksum of {name} is wrong; leave path out to download them"
            )
    return found


def _parse(official: Any, contents: Mapping[str, bytes]) -> RawImages:
    def part(listed: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
        batches = [load_plain(contents[name]) for name, _ in listed]
        planes = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
        labels = [batch.get("labels", batch.get("fine_labels")) for batch in batches]
        return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), np.concatenate(labels)

    images, labels = part(official.train_list)
    test_images, test_labels = part(official.test_list)
    return RawImages(
        classes=list(load_plain(contents[official.meta["filename"]])[official.meta["key"]]),
        images=images,
        labels=labels.astype(np.int64),
        test_images=test_images,
        test_labels=test_labels.astype(np.int64),
    )


def load_plain(content: bytes) -> Any:
    """What a pickle holds: numbers, texts, lists, dictionaries and arrays of numbers.

    Raises InputError if it names any other class or function; nothing of the kind is looked up.
    """
    return _PlainUnpickler(BytesIO(content), encoding="latin1").load()


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        # What arrays are rebuilt with, by its names before and since NumPy 2.
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise InputError(
            f"a pickle asks for {module}.{name}, which is no plain data: it is not the official "
            "file, and nothing of it was run"
        )
