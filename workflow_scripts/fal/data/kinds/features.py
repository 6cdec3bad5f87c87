"""Vectors in the place of images, such as a foundation model's features of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from fal.data.archives import files
from fal.data.dataset import UNLABELED
from fal.data.kinds.base import FromPath, RawImages, WithTestFraction, check_labels
from fal.data.listing import as_name
from fal.errors import InputError

NEEDED = ("features", "labels")
ARRAYS = (*NEEDED, "test_features", "test_labels", "sites", "test_sites")


@dataclass(frozen=True, kw_only=True)
class Features(FromPath, WithTestFraction):
    """Vectors of features: a .safetensors file, or a folder or archive of .npy files.

    ``features`` [N, D] and ``labels`` [N]; where they are known, ``test_features`` and
    ``test_labels``, ``sites`` [N] and ``test_sites``. Labels and sites are whole numbers or, in
    .npy files, texts; a label of -1 or of no letters is unknown. Each of the D features is
    normalized by its mean and standard deviation on the training part.
    """

    image_size: ClassVar[None] = None  # type: ignore[misc]
    normalization: ClassVar[str] = "own"  # type: ignore[misc]
    flip: ClassVar[bool] = False  # type: ignore[misc]
    vectors: ClassVar[bool] = True
    needs_path: ClassVar[bool] = True
    clients_from: ClassVar[str | None] = "features"

    def read(self, download_dir: Path) -> RawImages:
        """Features as images float32 [N, 1, 1, D] of one pixel.

        Raises InputError if an array is missing, of another shape or type, or not finite.
        """
        arrays = self._arrays()
        labels, test_labels, classes = _numbered(arrays["labels"], arrays.get("test_labels"))
        has_test = "test_features" in arrays
        return RawImages(
            classes=classes,
            images=_pixels(arrays["features"], "features"),
            labels=labels,
            test_images=_pixels(arrays["test_features"], "test_features") if has_test else None,
            test_labels=test_labels if has_test else None,
            sites=_site_names(arrays, "sites"),
            test_sites=_site_names(arrays, "test_sites"),
        )

    def site_names(self, keep_unlabeled: bool) -> list[str]:
        arrays = self._arrays()
        labels, _, _ = _numbered(arrays["labels"], arrays.get("test_labels"))
        sites = _site_names(arrays, "sites")
        known = zip(sites, labels, strict=False)
        return sorted({site for site, label in known if keep_unlabeled or label != UNLABELED})

    def _arrays(self) -> dict[str, np.ndarray]:
        if self.path is None:
            raise InputError("a data set of the kind features needs a path")
        path = Path(self.path)
        arrays = _safetensors(path) if path.suffix.lower() == ".safetensors" else _npy(path)
        for name in NEEDED:
            if name not in arrays:
                found = ", ".join(sorted(arrays)) or "none"
                raise InputError(f"'{path}' has no array '{name}'; found are {found}")
        for name in ("features", "sites"):
            other = f"test_{name}"
            if (other in arrays) != (name in arrays and "test_features" in arrays):
                raise InputError(
                    f"'{path}' must have '{other}' where it has '{name}' and a test part"
                )
        if ("test_labels" in arrays) != ("test_features" in arrays):
            raise InputError(f"'{path}' must have both test_features and test_labels, or neither")
        return {name: _named(array) for name, array in arrays.items()}

    def _statistics(self, images: np.ndarray, name: str) -> tuple[list[float], list[float]]:
        values = images.astype(np.float64)
        mean, std = values.mean(axis=(0, 1, 2)), values.std(axis=(0, 1, 2))
        # A feature that never changes stays 0 and is not blown up.
        return mean.tolist(), np.where(std > 0, std, 1.0).tolist()

    def _check(self, raw: RawImages, name: str) -> None:
        if raw.test_images is not None and raw.test_images.shape[3] != raw.images.shape[3]:
            raise InputError(
                f"data set '{name}': test_features have {raw.test_images.shape[3]} columns, but "
                f"features {raw.images.shape[3]}"
            )
        check_labels(raw, name)


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
    except (OSError, SafetensorError, TypeError) as error:  # NumPy has no bfloat16.
        raise InputError(f"'{path}' cannot be read as safetensors ({error})") from error
    return {name: array for name, array in arrays.items() if name in ARRAYS}


def _npy(path: Path) -> dict[str, np.ndarray]:
    arrays = {}
    for file, read in files(path):
        name = PurePosixPath(file)
        if name.suffix == ".npy" and name.stem in ARRAYS:
            if name.stem in arrays:
                raise InputError(f"'{path}' has more than one file {name.name}")
            try:
                arrays[name.stem] = np.load(io.BytesIO(read()), allow_pickle=False)
            except (ValueError, EOFError) as error:
                raise InputError(f"'{file}' of '{path}' is no array ({error})") from error
    return arrays


def _named(array: np.ndarray) -> np.ndarray:
    """Texts as names of classes or sites; other arrays as they are."""
    if array.dtype.kind != "U":
        return array
    names = [as_name(text) for text in array.ravel().tolist()]
    return np.array(names, dtype=np.str_).reshape(array.shape)


def _pixels(features: np.ndarray, name: str) -> np.ndarray:
    """Features [N, D] as float32 [N, 1, 1, D]."""
    if features.ndim != 2 or features.dtype.kind not in "fiu" or 0 in features.shape:
        raise InputError(
            f"{name} must be numbers [N, D], not {features.dtype} {list(features.shape)}"
        )
    with np.errstate(over="ignore"):
        single = features.astype(np.float32)
    finite = np.isfinite(single).all(axis=1)
    if not finite.all():
        raise InputError(
            f"{name} has {np.count_nonzero(~finite)} row(s) with values that are no finite "
            f"float32, such as row {np.argmin(finite)}"
        )
    return single[:, None, None, :]


def _numbered(
    labels: np.ndarray, test_labels: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """Labels of both parts as positions in the classes, and the classes in order.

    Raises InputError if they are neither whole numbers nor texts, or if a class has no training
    examples.
    """
    for name, array in (("labels", labels), ("test_labels", test_labels)):
        if array is not None:
            _check_named(name, array)
    known = np.unique(labels[_known(labels)])
    if len(known) < 2:
        raise InputError(f"labels have {len(known)} class(es); at least 2 are needed")
    test = None if test_labels is None else _positions(test_labels, known)
    return _positions(labels, known), test, [str(name) for name in known]


def _positions(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The positions of ``labels`` in the sorted ``classes``, UNLABELED where one is unknown."""
    if (strange := np.setdiff1d(labels[_known(labels)], classes)).size:
        raise InputError(f"class '{strange[0]}' is in the test part only")
    return np.where(_known(labels), np.searchsorted(classes, labels), UNLABELED).astype(np.int64)


def _known(labels: np.ndarray) -> np.ndarray:
    return labels != "" if labels.dtype.kind == "U" else labels >= 0


def _check_named(name: str, array: np.ndarray) -> None:
    """Raise InputError unless an array names something by whole numbers or texts."""
    if array.ndim != 1 or array.dtype.kind not in "iuU":
        raise InputError(
            f"{name} must be whole numbers or texts [N], not {array.dtype} {list(array.shape)}"
        )


def _site_names(arrays: Mapping[str, np.ndarray], name: str) -> tuple[str, ...]:
    """The site of each example as a text, or nothing where there are none.

    Raises InputError if they are neither whole numbers nor texts.
    """
    if (sites := arrays.get(name)) is None:
        return ()
    _check_named(name, sites)
    names = tuple(map(str, sites.tolist()))
    if "" in names:
        raise InputError(f"{name} has an empty text in row {names.index('')}: name a site")
    return names
