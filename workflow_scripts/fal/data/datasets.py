"""Data sets as uint8 arrays on disk: reading them from many sources, splitting, saving, opening."""

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fal.data.decoding import RawImages, channel_statistics, resize
from fal.errors import InputError, suggest
from fal.rng import numpy_generator

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
METADATA = "dataset.json"
DOWNLOADS = "downloads"
IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
"""Mean and standard deviation of ImageNet's training images, with 255 counted as 1."""


@dataclass
class Dataset:
    """Images uint8 [N, H, W, C] and labels int64 [N] of a training and a test set.

    ``mean`` and ``std`` hold one value per channel to normalize by, with 255 counted as 1.
    ``flip`` and ``crop_padding`` (pixels, 0: no cropping) say how to augment.
    """

    name: str
    kind: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: list[str]
    mean: list[float]
    std: list[float]
    flip: bool
    crop_padding: int
    note: str = ""

    def save(self, folder: str | Path) -> None:
        """Write ``train_images.npy`` etc. and ``dataset.json`` into ``folder``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for key in ARRAYS:
            np.save(folder / f"{key}.npy", getattr(self, key), allow_pickle=False)
        metadata = {key: value for key, value in vars(self).items() if key not in ARRAYS}
        (folder / METADATA).write_text(json.dumps(metadata, indent=2) + "\n")

    @classmethod
    def open(cls, folder: str | Path) -> "Dataset":
        """Open what ``save`` wrote; images are memory-mapped (copy on write)."""
        folder = Path(folder)
        if not (folder / METADATA).is_file():
            raise InputError(f"'{folder}' holds no prepared data set: {METADATA} is missing")
        arrays = {
            key: np.load(
                folder / f"{key}.npy",
                mmap_mode="c" if key.endswith("images") else None,
                allow_pickle=False,
            )
            for key in ARRAYS
        }
        return cls(**json.loads((folder / METADATA).read_text()), **arrays)


class Kind(NamedTuple):
    """A source of images: where its reader is, and how its images may be augmented."""

    module: str
    reader: str
    flip: bool
    crop_padding: int = 0
    needs_path: bool = False

    def read(self, path: Path | None, image_size: int | None, download_dir: Path) -> RawImages:
        return getattr(import_module(self.module), self.reader)(path, image_size, download_dir)


KINDS = {
    "digits": Kind("fal.data.datasets", "read_digits", flip=False),
    "image_folder": Kind("fal.data.image_folder", "read", flip=True, needs_path=True),
    "cifar10": Kind("fal.data.cifar", "read_cifar10", flip=True),
    "cifar100": Kind("fal.data.cifar", "read_cifar100", flip=True),
    "tiny_imagenet": Kind("fal.data.tiny_imagenet", "read", flip=True, crop_padding=4),
}


def load(
    kind: str,
    *,
    name: str | None = None,
    path: str | Path | None = None,
    image_size: int | None = None,
    train_size: int | None = None,
    test_fraction: float = 0.2,
    normalization: str = "own",
    seed: int = 0,
    download_dir: str | Path | None = None,
) -> Dataset:
    """Read a data set of a ``kind`` in KINDS from ``path``, or from where it is at home.

    ``image_size`` is the side in pixels to which images are scaled. A set without a test part
    gives up ``test_fraction`` of its images; ``train_size`` keeps that many training images. Both
    draws are stratified, with at least one image per class, and depend on ``seed`` alone.
    ``normalization`` is ``own``, by the training images' statistics, or ``imagenet``.
    ``download_dir`` (default ``downloads``) takes archives that are not found.
    Raises InputError on unusable arguments, files and archives.
    """
    if kind not in KINDS:
        raise InputError(f"data set kind '{kind}' is unknown{suggest(kind, KINDS)}")
    name = name or kind
    source = KINDS[kind]
    if source.needs_path and path is None:
        raise InputError(f"data set '{name}' of kind {kind} needs a path")
    if image_size is not None and image_size < 1:
        raise InputError(f"image_size of data set '{name}' must be at least 1, not {image_size}")
    raw = source.read(
        None if path is None else Path(path), image_size, Path(download_dir or DOWNLOADS)
    )
    if raw.test_images is None:
        raw = _split_off_test(raw, test_fraction, seed, name)
    if train_size is not None:
        raw = _keep(raw, train_size, seed, name)
    if image_size and raw.images.shape[1] != image_size:
        raw = raw._replace(
            images=resize(raw.images, image_size), test_images=resize(raw.test_images, image_size)
        )
    mean, std = channel_statistics(raw.images) if normalization == "own" else IMAGENET
    if len(mean) != raw.images.shape[3]:
        raise InputError(
            f"normalization of data set '{name}' is imagenet, which is for color images; use own"
        )
    return Dataset(
        name=name,
        kind=kind,
        train_images=raw.images,
        train_labels=raw.labels,
        test_images=raw.test_images,
        test_labels=raw.test_labels,
        classes=raw.classes,
        mean=mean,
        std=std,
        flip=source.flip,
        crop_padding=source.crop_padding,
        note=raw.note,
    )


def read_digits(path: Path | None, image_size: int | None, download_dir: Path) -> RawImages:
    """The 1,797 scans of digits, 8 x 8 gray, that come with scikit-learn (Alpaydin, Kaynak, 1998).

    They need no path and no download. Their 17 gray levels are spread over 0..255.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., None]
    return RawImages(
        [str(label) for label in digits.target_names], images, digits.target.astype(np.int64)
    )


def _split_off_test(raw: RawImages, fraction: float, seed: int, name: str) -> RawImages:
    if not 0 < fraction < 1:
        raise InputError(
            f"test_fraction of data set '{name}' must lie between 0 and 1, not {fraction}"
        )
    sizes = np.bincount(raw.labels)
    if sizes.min() < 2:
        raise InputError(
            f"class '{raw.classes[sizes.argmin()]}' of data set '{name}' has a single image: too "
            "few to split into training and test set"
        )
    count = int(
        np.clip(round(fraction * len(raw.labels)), len(sizes), len(raw.labels) - len(sizes))
    )
    rng = numpy_generator(seed, "test split")
    test = _stratified_draw(raw.labels, count, sizes - 1, rng)
    train = np.setdiff1d(np.arange(len(raw.labels)), test)
    return raw._replace(
        images=raw.images[train],
        labels=raw.labels[train],
        test_images=raw.images[test],
        test_labels=raw.labels[test],
    )


def _keep(raw: RawImages, train_size: int, seed: int, name: str) -> RawImages:
    sizes = np.bincount(raw.labels)
    if not len(sizes) <= train_size <= len(raw.labels):
        raise InputError(
            f"train_size of data set '{name}' must lie between its number of classes "
            f"({len(sizes)}) and of training images ({len(raw.labels)}), not {train_size}"
        )
    kept = _stratified_draw(raw.labels, train_size, sizes, numpy_generator(seed, "train size"))
    return raw._replace(images=raw.images[kept], labels=raw.labels[kept])


def _stratified_draw(
    labels: np.ndarray, count: int, most: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """``count`` ascending indices: of each class one, and beyond that its share of the rest.

    No class gives more than ``most`` [classes]. Shares are rounded by largest remainder.
    """
    share = (most - 1) * (count - len(most)) / max(1, (most - 1).sum())
    quota = np.floor(share).astype(np.int64)
    short = count - len(most) - quota.sum()
    quota[np.argsort(quota - share, kind="stable")[:short]] += 1
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[: 1 + extra]
        for label, extra in enumerate(quota)
    ]
    return np.sort(np.concatenate(drawn))
