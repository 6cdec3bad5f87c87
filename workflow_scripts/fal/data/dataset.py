"""A prepared data set: uint8 images and labels in memory-mapped files, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fal import integrity, storage
from fal.errors import InputError
from fal.storage import NOT_UTF8

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
METADATA = "dataset.json"
TRAIN_FILES = "train_files.txt"
SITES = "sites.npz"
DIGESTS = "digests"
"""The key of METADATA for what the other files are."""
UNLABELED = -1
"""The label of an image that has none."""
DESCRIBED = 20
"""Classes or sites that are named, at most."""


class Sites(NamedTuple):
    """Where a data set's images come from, such as hospitals.

    names: those with training images first, each part sorted. train: int64 [N], test: int64 [M],
    positions in ``names`` of the training and test images.
    """

    names: tuple[str, ...]
    train: np.ndarray
    test: np.ndarray


@dataclass
class Dataset:
    """Images uint8 [N, H, W, C] and labels int64 [N] of a training and a test set.

    Vectors of D features are images float32 [N, 1, 1, D].

    mean, std: one value per channel to normalize by, with 255 counted as 1. flip, crop_padding
    (pixels, 0: no cropping): how to augment. train_files: the file of each training image, or
    nothing where the images come from no files of their own. sites: None where none are known.
    warnings: sentences about what was doubtful when the images were read; they are not saved.

    The label of a training image that has none is UNLABELED.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: list[str]
    mean: list[float]
    std: list[float]
    flip: bool
    crop_padding: int
    train_files: tuple[str, ...] = ()
    sites: Sites | None = None
    warnings: tuple[str, ...] = ()

    def save(self, folder: str | Path) -> None:
        """Write ``train_images.npy`` etc., ``train_files.txt``, ``dataset.json`` and, where there
        are sites, ``sites.npz``.

        ``train_files.txt`` has one name a line; a line break in a name is written as a space.
        ``dataset.json`` has the other files' digests: steps that depend on it alone depend on all.
        """
        folder = Path(folder)
        for key in ARRAYS:
            with storage.replacing(folder / f"{key}.npy") as path, path.open("wb") as file:
                np.save(file, getattr(self, key), allow_pickle=False)
        files = "".join(name.replace("\n", " ") + "\n" for name in self.train_files)
        storage.save_text(folder / TRAIN_FILES, files)
        apart = {*ARRAYS, "train_files", "sites", "warnings"}
        metadata = {key: value for key, value in vars(self).items() if key not in apart}
        if self.sites:
            metadata["sites"] = self.sites.names
            storage.save_array(folder / SITES, train=self.sites.train, test=self.sites.test)
        others = [*(f"{key}.npy" for key in ARRAYS), TRAIN_FILES, *([SITES] if self.sites else [])]
        metadata[DIGESTS] = {name: integrity.digest(folder / name) for name in others}
        text = json.dumps(metadata, indent=2, ensure_ascii=False)
        storage.save_text(folder / METADATA, f"{text}\n")

    @classmethod
    def open(cls, folder: str | Path) -> Dataset:
        """Open what ``save`` wrote; images are memory-mapped (copy on write).

        Raises InputError if ``folder`` holds no prepared data set, and DamagedError if a file is
        damaged; images are compared when they are used (``Images.of``).
        """
        folder = Path(folder)
        if not (folder / METADATA).is_file():
            raise InputError(f"'{folder}' holds no prepared data set: {METADATA} is missing")
        labels = [f"{key}.npy" for key in ARRAYS if key.endswith("labels")]
        integrity.check(folder / name for name in (METADATA, TRAIN_FILES, *labels))
        arrays: dict[str, Any] = {
            key: _load(folder / f"{key}.npy", mapped=key.endswith("images")) for key in ARRAYS
        }
        # Split at "\n" alone: names may hold other characters that Python takes for line ends.
        with (folder / TRAIN_FILES).open(newline="\n", encoding="utf-8", errors=NOT_UTF8) as file:
            files = tuple(line.removesuffix("\n") for line in file)
        metadata = json.loads((folder / METADATA).read_text(encoding="utf-8", errors=NOT_UTF8))
        metadata.pop(DIGESTS, None)
        if names := metadata.pop("sites", None):
            parts = (storage.load_array(folder / SITES, part) for part in ("train", "test"))
            metadata["sites"] = Sites(tuple(names), *parts)
        return cls(**metadata, **arrays, train_files=files)

    def site_of(self, index: np.ndarray) -> str:
        """The site that the training images ``index`` int64 [n] are all from, or nothing."""
        if self.sites is None:
            return ""
        found = np.unique(self.sites.train[index])
        return self.sites.names[found[0]] if len(found) == 1 else ""

    def describe(self) -> str:
        """One line: how many images there are, and of which classes."""
        known = self.train_labels[self.train_labels != UNLABELED]
        counts = np.bincount(known, minlength=len(self.classes))
        unlabeled = len(self.train_labels) - len(known)
        at_sites = np.bincount(self.sites.train if self.sites else [])
        return (
            f"{len(self.train_labels)} training and {len(self.test_labels)} test images of "
            f"{len(self.classes)} classes; training images of each ({counts.min()} to "
            f"{counts.max()}): {_listing(self.classes, counts)}"
            + (f"; without a label {unlabeled}" if unlabeled else "")
            + (f"; from {_listing(self.sites.names, at_sites)}" if self.sites else "")
        )


def _listing(names: Sequence[str], counts: np.ndarray) -> str:
    """'cat 3, dog 2, and 4 more'; names beyond ``counts`` are left out."""
    each = [f"{name} {count}" for name, count in zip(names, counts, strict=False)]
    if len(each) > DESCRIBED:
        each[DESCRIBED:] = [f"and {len(each) - DESCRIBED} more"]
    return ", ".join(each)


def _load(path: Path, mapped: bool) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except Exception as error:  # numpy raises many kinds on damaged bytes
        integrity.check([path])
        raise InputError(f"'{path}' is no array file ({error}); have it prepared again") from error
