"""What every kind of data set is: options, a reader, and how its images become a Dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Lt, MinLen

from fal.data.dataset import Dataset
from fal.data.download import DOWNLOADS
from fal.data.fingerprint import fingerprint
from fal.data.sampling import size_of_test_set, stratified_draw
from fal.errors import InputError
from fal.options import Options
from fal.rng import numpy_generator

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
"""Mean and standard deviation of ImageNet's training images, with 255 counted as 1."""


class RawImages(NamedTuple):
    """What a kind reads.

    classes: their names. images: uint8 [N, H, W, C]. labels: int64 [N], positions in ``classes``.
    test_images, test_labels: the same of the test part, None where there is none. files: the name
    of each image's file, or nothing. warnings: sentences about doubtful images.
    """

    classes: list[str]
    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def taken(self, index: np.ndarray) -> RawImages:
        """With the training images at ``index`` alone."""
        return self._replace(
            images=self.images[index],
            labels=self.labels[index],
            files=tuple(self.files[i] for i in index) if self.files else (),
        )


@dataclass(frozen=True, kw_only=True)
class DatasetKind(Options):
    """Base of all kinds. A subclass says how to ``read``; its fields are the kind's options.

    flip: mirror half of the training images. crop_padding: pixels by which training images are
    padded and cropped at random, 0 for none. These two belong to the kind and are no options.
    """

    image_size: Annotated[int, Ge(8)] | None = None
    """Height and width that images are resized to; null keeps their size."""
    train_size: Annotated[int, Ge(1)] | None = None
    """Training images to use, drawn at random; null uses all."""
    normalization: Literal["own", "imagenet"] = "own"
    """Mean and standard deviation that images are normalized with: the training images' own, or
    imagenet's, which the published code uses."""

    flip: ClassVar[bool] = True
    crop_padding: ClassVar[int] = 0

    def read(self, download_dir: Path) -> RawImages:
        """All images; archives that have to be downloaded are kept in ``download_dir``.

        Raises InputError on unusable files and archives.
        """
        raise NotImplementedError

    def source_size(self) -> tuple[int, int] | None:
        """Classes and training images before ``train_size``, where known without reading."""
        return None

    def size(self) -> tuple[int | None, int] | None:
        """Classes (None: unknown) and training images, where known without reading.

        Raises InputError if ``train_size`` does not fit; the sentence begins with that word.
        """
        if known := self.source_size():
            classes, images = known
            return classes, self._num_train(classes, images)
        return None if self.train_size is None else (None, self.train_size)

    def fingerprint(self) -> str:
        """A text that changes when the files that are read change; empty if there are none."""
        return ""

    def load(self, name: str, download_dir: Path = DOWNLOADS, seed: int = 0) -> Dataset:
        """Read the data set and give it a test part, size and normalization as the options say.

        Draws are stratified, with at least one image of each class, and depend on ``seed`` alone.
        Raises InputError as ``read`` does, and on options that do not fit the images.
        """
        raw = self.read(download_dir)
        _check(raw, name)
        test_images, test_labels = raw.test_images, raw.test_labels
        if test_images is None or test_labels is None:
            test = self._draw_test(raw, name, seed)
            test_images, test_labels = raw.images[test], raw.labels[test]
            raw = raw.taken(np.setdiff1d(np.arange(len(raw.labels)), test))
        if self.train_size is not None:
            raw = self._keep(raw, name, seed)
        images = self._resized(raw.images)
        mean, std = self._statistics(images, name)
        return Dataset(
            name=name,
            train_images=images,
            train_labels=raw.labels,
            test_images=self._resized(test_images),
            test_labels=test_labels,
            classes=raw.classes,
            mean=mean,
            std=std,
            flip=self.flip,
            crop_padding=self.crop_padding,
            train_files=raw.files,
            warnings=raw.warnings,
        )

    def _num_train(self, classes: int, images: int) -> int:
        if self.train_size is None:
            return images
        if not classes <= self.train_size <= images:
            raise InputError(
                f"train_size is {self.train_size}, but must lie between {classes}, one image per "
                f"class, and {images}, all training images"
            )
        return self.train_size

    def _draw_test(self, raw: RawImages, name: str, seed: int) -> np.ndarray:
        """Ascending indices of the images that become the test part."""
        raise InputError(
            f"data set '{name}': {type(self).__name__} read no test images; derive it from "
            "WithTestFraction to have some split off"
        )

    def _keep(self, raw: RawImages, name: str, seed: int) -> RawImages:
        sizes = np.bincount(raw.labels)
        try:
            count = self._num_train(len(sizes), len(raw.labels))
        except InputError as error:
            raise InputError(f"data set '{name}': {error}") from error
        rng = numpy_generator(seed, "train size")
        return raw.taken(stratified_draw(raw.labels, count, sizes, rng))

    def _resized(self, images: np.ndarray) -> np.ndarray:
        from fal.data.decoding import resize

        if self.image_size is None or images.shape[1] == self.image_size:
            return images
        return resize(images, self.image_size)

    def _statistics(self, images: np.ndarray, name: str) -> tuple[list[float], list[float]]:
        from fal.data.decoding import channel_statistics

        if self.normalization == "own":
            return channel_statistics(images)
        if images.shape[3] != 3:
            raise InputError(
                f"normalization of data set '{name}' is imagenet, which is for color images; use "
                "own"
            )
        return IMAGENET


@dataclass(frozen=True, kw_only=True)
class WithTestFraction(DatasetKind):
    """A kind that may come without a test part."""

    test_fraction: Annotated[float, Gt(0), Lt(1)] = 0.2
    """Share of the images that is kept for testing where there is no test set."""

    def _draw_test(self, raw: RawImages, name: str, seed: int) -> np.ndarray:
        sizes = np.bincount(raw.labels)
        if sizes.min() < 2:
            raise InputError(
                f"class '{raw.classes[sizes.argmin()]}' of data set '{name}' has a single image: "
                "too few to split into training and test set"
            )
        count = size_of_test_set(len(raw.labels), len(sizes), self.test_fraction)
        rng = numpy_generator(seed, "test split")
        return stratified_draw(raw.labels, count, sizes - 1, rng)


@dataclass(frozen=True, kw_only=True)
class FromPath(DatasetKind):
    """A kind that reads files of the user's. needs_path: whether there is no other source."""

    path: Annotated[str, MinLen(1)] | None = None
    """Folder or archive of the data set; null means data_path, or a download."""

    needs_path: ClassVar[bool] = False

    def fingerprint(self) -> str:
        """Digest of the names, sizes and times of all files that are read below ``path``.

        Raises InputError if ``path`` does not exist.
        """
        return fingerprint(self._sources(Path(self.path))) if self.path else ""

    def _sources(self, path: Path) -> list[Path]:
        """The folders and files below ``path`` that matter."""
        return [path]


def _check(raw: RawImages, name: str) -> None:
    """Raise InputError unless images and labels are of the right form and fit together."""
    parts = {"": (raw.images, raw.labels)}
    if raw.test_images is not None and raw.test_labels is not None:
        parts["test_"] = (raw.test_images, raw.test_labels)
    for part, (images, labels) in parts.items():
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise InputError(
                f"data set '{name}': {part}images must be uint8 [N, H, W, 1 or 3], not "
                f"{images.dtype} {list(images.shape)}"
            )
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            raise InputError(
                f"data set '{name}': {part}labels must be int64 [{len(images)}], one for each "
                f"image, not {labels.dtype} {list(labels.shape)}"
            )
        if not set(np.unique(labels)) <= set(range(len(raw.classes))):
            raise InputError(
                f"data set '{name}': {part}labels must be positions in its {len(raw.classes)} "
                "classes, counted from 0"
            )
    if lacking := set(range(len(raw.classes))) - set(np.unique(raw.labels)):
        raise InputError(f"data set '{name}': class '{raw.classes[min(lacking)]}' has no images")
    if raw.files and len(raw.files) != len(raw.images):
        raise InputError(
            f"data set '{name}': {len(raw.files)} files are named, but there are "
            f"{len(raw.images)} training images"
        )
