"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) in the official Python version.

That version consists of pickles. They are opened by torchvision, which first compares the MD5 sum
of each with the published one, so that no other pickle is ever opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from fal.data.archives import extract
from fal.data.download import download
from fal.data.kinds.base import FromPath, RawImages
from fal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class _CIFAR(FromPath):
    """``path`` is the official archive, its folder, or a folder that holds either.

    Without a path the archive is downloaded. official: the name of torchvision's class.
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
        path = Path(path).resolve()
        if path.name == self.folder:
            return _parse(official, path.parent)
        if (path / self.folder).is_dir():
            return _parse(official, path)
        archive = path / self.archive if path.is_dir() else path
        if path.is_dir() and not archive.exists():
            raise InputError(
                f"'{path}' holds neither {self.folder}/ nor {self.archive}; leave path out to "
                "download it"
            )
        with TemporaryDirectory() as folder:
            extract(archive, folder)
            return _parse(official, Path(folder))

    def source_size(self) -> tuple[int, int]:
        return self.classes, 50_000

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


def _parse(official: Any, root: Path) -> RawImages:
    try:
        train, test = (official(root, train=part) for part in (True, False))
    except RuntimeError as error:
        raise InputError(
            f"the files of {official.base_folder} are incomplete or not the official ones: a "
            "checksum is wrong; leave path out to download them"
        ) from error
    return RawImages(
        classes=list(train.classes),
        images=np.ascontiguousarray(train.data),
        labels=np.array(train.targets, dtype=np.int64),
        test_images=np.ascontiguousarray(test.data),
        test_labels=np.array(test.targets, dtype=np.int64),
    )
