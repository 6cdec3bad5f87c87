"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) in the official Python version.

That version consists of pickles. They are opened by torchvision, which first compares the MD5 sum
of each with the published one, so that no other pickle is ever opened.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fal.data.archives import extract
from fal.data.decoding import RawImages
from fal.data.download import download
from fal.errors import InputError


def read_cifar10(path: Path | None, image_size: int | None, download_dir: Path) -> RawImages:
    """CIFAR-10: 50,000 training and 10,000 test images, 32 x 32 x 3, 10 classes.

    ``path`` is the official archive, the folder ``cifar-10-batches-py``, or a folder that holds
    either; without it the archive is downloaded into ``download_dir``.
    Raises InputError if nothing of the kind is there or a checksum is wrong.
    """
    from torchvision.datasets import CIFAR10

    return _read(CIFAR10, path, download_dir)


def read_cifar100(path: Path | None, image_size: int | None, download_dir: Path) -> RawImages:
    """CIFAR-100 with its 100 fine classes; ``cifar-100-python``, else as ``read_cifar10``."""
    from torchvision.datasets import CIFAR100

    return _read(CIFAR100, path, download_dir)


def _read(official: type, path: Path | None, download_dir: Path) -> RawImages:
    if path is None:
        path = download(official.url, official.tgz_md5, download_dir)
    path = path.resolve()
    if path.name == official.base_folder:
        return _parse(official, path.parent)
    if (path / official.base_folder).is_dir():
        return _parse(official, path)
    archive = path / official.filename if path.is_dir() else path
    if path.is_dir() and not archive.exists():
        raise InputError(
            f"'{path}' holds neither {official.base_folder}/ nor {official.filename}; "
            "leave path out to download it"
        )
    with TemporaryDirectory() as folder:
        extract(archive, folder)
        return _parse(official, Path(folder))


def _parse(official: type, root: Path) -> RawImages:
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
