"""What every kind of data set is: options, a reader, and how its images become a Dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Lt, MinLen

from fal.data.dataset import UNLABELED, Dataset, Sites
from fal.data.download import DOWNLOADS
from fal.data.fingerprint import content_digest, fingerprint
from fal.data.sampling import long_tail, size_of_test_set, stratified_draw
from fal.errors import InputError
from fal.options import Options
from fal.rng import numpy_generator

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
"""Mean and standard deviation of ImageNet's training images, with 255 counted as 1."""


class RawImages(NamedTuple):
    """What a kind reads.

    classes: their names. images: uint8 [N, H, W, C]. labels: int64 [N], positions in ``classes``,
    UNLABELED where there is none. test_images, test_labels: the same of the test part, None where
    there is none. files: the name of each image's file, or nothing. sites, test_sites: where each
    image is from, or nothing. warnings: sentences about doubtful images.
    """

    classes: list[str]
    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    files: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    test_sites: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def taken(self, index: np.ndarray) -> RawImages:
        """With the training images at ``index`` alone."""
        return self._replace(
            images=self.images[index],
            labels=self.labels[index],
            files=tuple(self.files[i] for i in index) if self.files else (),
            sites=tuple(self.sites[i] for i in index) if self.sites else (),
        )

    def with_test(self, index: np.ndarray) -> RawImages:
        """With the training images at ``index`` as the test part."""
        test = self.taken(index)
        rest = self.taken(np.setdiff1d(np.arange(len(self.labels)), index))
        return rest._replace(
            test_images=test.images, test_labels=test.labels, test_sites=test.sites
        )


@dataclass(frozen=True, kw_only=True)
class DatasetKind(Options):
    """Base of all kinds. A subclass says how to ``read``; its fields are the kind's options.

    crop_padding: pixels by which training images are padded and cropped at random, 0 for none.
    clients_from: where the sites of its images are told, as ``clients: {from: ...}`` names it.
    vectors: whether its images are vectors of features. These belong to the kind and are no
    options.
    """

    image_size: Annotated[int, Ge(8)] | None = None
    """Height and width that images are resized to; null keeps their size."""
    train_size: Annotated[int, Ge(1)] | None = None
    """Training images to use, drawn at random; null uses all."""
    imbalance: Annotated[float, Gt(0), Lt(1)] | None = None
    """Size of the last class relative to the first in a long tail: training images are left out so
    that classes shrink exponentially, in their order; null leaves out none."""

    normalization: Literal["own", "imagenet"] = "own"
    """Mean and standard deviation that images are normalized with: the training images' own, or
    imagenet's, which the published code uses."""
    flip: bool = True
    """Whether half of the images are mirrored left to right in training, drawn anew each time; say
    false where a mirror image is another thing, as with letters and some X-ray images."""

    crop_padding: ClassVar[int] = 0
    clients_from: ClassVar[str | None] = None
    vectors: ClassVar[bool] = False

    def read(self, download_dir: Path) -> RawImages:
        """All images; archives that have to be downloaded are kept in ``download_dir``.

        Raises InputError on unusable files and archives.
        """
        raise NotImplementedError

    def site_names(self, keep_unlabeled: bool) -> list[str]:
        """The sites that have training images, sorted, found without reading the images.

        keep_unlabeled: whether images without a label count. Raises InputError as ``read`` does.
        """
        raise NotImplementedError

    def source_size(self) -> tuple[int, int] | None:
        """Classes and training images before ``train_size``, where known without reading."""
        return None

    def size(self) -> tuple[int | None, int] | None:
        """Classes (None: unknown) and training images, where known without reading.

        Raises InputError if ``train_size`` does not fit; the sentence begins with that word.
        """
        known = self.source_size()
        size = (known[0], self._num_train(*known)) if known else (None, self.train_size)
        return None if self.imbalance is not None or size[1] is None else (size[0], size[1])

    def fingerprint(self) -> str:
        """A text that changes when the files that are read change; empty if there are none."""
        return ""

    def content_digest(self) -> str:
        """The same, but blind to the files' times; they are read for it."""
        return ""

    def load(
        self,
        name: str,
        download_dir: Path = DOWNLOADS,
        seed: int = 0,
        keep_unlabeled: bool = False,
    ) -> Dataset:
        """Read the data set and give it a test part, size and normalization as the options say.

        Draws are stratified, with at least one image of each class, and depend on ``seed`` alone.
        keep_unlabeled: keep training images that have no label.
        Raises InputError as ``read`` does, and on options that do not fit the images.
        """
        raw = self.read(download_dir)
        self._check(raw, name)
        raw = _labeled_test(raw, name)
        if raw.test_images is None:
            raw = raw.with_test(self._draw_test(raw, name, seed))
        raw = _telling_untested(self._keep(raw, name, seed, keep_unlabeled), name)
        assert raw.test_images is not None and raw.test_labels is not None
        images = self._resized(raw.images)
        mean, std = self._statistics(images, name)
        return Dataset(
            name=name,
            train_images=images,
            train_labels=raw.labels,
            test_images=self._resized(raw.test_images),
            test_labels=raw.test_labels,
            classes=raw.classes,
            mean=mean,
            std=std,
            flip=self.flip,
            crop_padding=self.crop_padding,
            train_files=raw.files,
            sites=_sites(raw) if raw.sites else None,
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
        """Ascending indices of the images that become the test part, all with a label."""
        raise InputError(
            f"data set '{name}': {type(self).__name__} read no test images; derive it from "
            "WithTestFraction to have some split off"
        )

    def _keep(self, raw: RawImages, name: str, seed: int, keep_unlabeled: bool) -> RawImages:
        """With the training images that the options leave."""
        kept = np.flatnonzero(raw.labels != UNLABELED)
        unlabeled = np.flatnonzero(raw.labels == UNLABELED)
        if self.train_size is not None:
            sizes = np.bincount(raw.labels[kept], minlength=len(raw.classes))
            try:
                count = self._num_train(len(sizes), len(kept))
            except InputError as error:
                raise InputError(f"data set '{name}': {error}") from error
            rng = numpy_generator(seed, "train size")
            kept = kept[stratified_draw(raw.labels[kept], count, sizes, rng)]
        if self.imbalance is not None:
            rng = numpy_generator(seed, "imbalance")
            kept = kept[long_tail(raw.labels[kept], len(raw.classes), self.imbalance, rng)]
        if raw.sites:
            _check_no_site_lost(raw, kept, name)
        if keep_unlabeled:
            kept = np.union1d(kept, unlabeled)
        elif len(unlabeled):
            sentence = (
                f"{len(unlabeled)} training image(s) of data set '{name}' have no label and were "
                "left out: a simulated oracle cannot give one"
            )
            raw = raw._replace(warnings=(*raw.warnings, sentence))
        return raw if len(kept) == len(raw.labels) else raw.taken(kept)

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

    def _check(self, raw: RawImages, name: str) -> None:
        """Raise InputError unless images and labels are of the right form and fit together."""
        for part, images in (("", raw.images), ("test_", raw.test_images)):
            if images is None:
                continue
            if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
                raise InputError(
                    f"data set '{name}': {part}images must be uint8 [N, H, W, 1 or 3], not "
                    f"{images.dtype} {list(images.shape)}"
                )
        check_labels(raw, name)


@dataclass(frozen=True, kw_only=True)
class WithTestFraction(DatasetKind):
    """A kind that may come without a test part."""

    test_fraction: Annotated[float, Gt(0), Lt(1)] = 0.2
    """Share of the images that is kept for testing where there is no test set."""

    def _draw_test(self, raw: RawImages, name: str, seed: int) -> np.ndarray:
        known = np.flatnonzero(raw.labels != UNLABELED)
        sizes = np.bincount(raw.labels[known], minlength=len(raw.classes))
        if (sizes == 1).any():
            raise InputError(
                f"class '{raw.classes[np.argmax(sizes == 1)]}' of data set '{name}' has a single "
                "image: too few to split into training and test set"
            )
        count = size_of_test_set(len(known), int((sizes > 0).sum()), self.test_fraction)
        rng = numpy_generator(seed, "test split")
        test = known[stratified_draw(raw.labels[known], count, np.maximum(sizes - 1, 0), rng)]
        return _sparing_sites(test, known, raw.sites)


@dataclass(frozen=True, kw_only=True)
class FromPath(DatasetKind):
    """A kind that reads files of the user's. needs_path: whether there is no other source."""

    path: Annotated[str, MinLen(1)] | None = None
    """Folder or archive of the data set; null means data_path, or a download."""

    needs_path: ClassVar[bool] = False

    def fingerprint(self) -> str:
        """Digest of the names, sizes and times of all files that are read at ``path``.

        Raises InputError if ``path`` does not exist.
        """
        return fingerprint(self._sources(Path(self.path))) if self.path else ""

    def content_digest(self) -> str:
        """Digest of the names and contents of all files that are read at ``path``.

        Raises InputError if one of them cannot be read.
        """
        return content_digest(self._sources(Path(self.path))) if self.path else ""

    def _sources(self, path: Path) -> list[Path]:
        """The folders and files at ``path`` that matter."""
        return [path]


def _labeled_test(raw: RawImages, name: str) -> RawImages:
    """Without the test images that have no label."""
    if raw.test_images is None or raw.test_labels is None:
        return raw
    known = np.flatnonzero(raw.test_labels != UNLABELED)
    left_out = len(raw.test_labels) - len(known)
    if not left_out:
        return raw
    if not len(known):
        raise InputError(f"data set '{name}': no test image has a label")
    sentence = f"{left_out} test image(s) of data set '{name}' have no label and were left out"
    return raw._replace(
        test_images=raw.test_images[known],
        test_labels=raw.test_labels[known],
        test_sites=tuple(raw.test_sites[i] for i in known) if raw.test_sites else (),
        warnings=(*raw.warnings, sentence),
    )


def _telling_untested(raw: RawImages, name: str) -> RawImages:
    """With a warning of classes that no test image is of."""
    assert raw.test_labels is not None
    untested = sorted(set(range(len(raw.classes))).difference(raw.test_labels.tolist()))
    if not untested:
        return raw
    more = f" and of {len(untested) - 1} more" if len(untested) > 1 else ""
    sentence = (
        f"no test image of data set '{name}' is of class '{raw.classes[untested[0]]}'{more}: no "
        "accuracy tells of it"
    )
    return raw._replace(warnings=(*raw.warnings, sentence))


def _sparing_sites(test: np.ndarray, known: np.ndarray, sites: tuple[str, ...]) -> np.ndarray:
    """``test`` without the images of sites that would have none of ``known`` left to train on."""
    if not sites:
        return test
    training = {sites[i] for i in np.setdiff1d(known, test)}
    return test[[sites[i] in training for i in test]]


def _check_no_site_lost(raw: RawImages, kept: np.ndarray, name: str) -> None:
    """Raise InputError if a site of labeled images has none among those that are kept."""
    known = np.flatnonzero(raw.labels != UNLABELED)
    if lost := {raw.sites[i] for i in known}.difference(raw.sites[i] for i in kept):
        raise InputError(
            f"data set '{name}': train_size or imbalance leaves the site '{min(lost)}' without "
            "training images; raise it"
        )


def _sites(raw: RawImages) -> Sites:
    trained = sorted(set(raw.sites))
    names = (*trained, *sorted(set(raw.test_sites).difference(trained)))
    number = {name: position for position, name in enumerate(names)}
    train, test = (
        np.array([number[site] for site in of], dtype=np.int64)
        for of in (raw.sites, raw.test_sites)
    )
    return Sites(names, train, test)


def check_labels(raw: RawImages, name: str) -> None:
    """Raise InputError unless there is a label for each image, and a file and a site or none."""
    parts = {"": (raw.images, raw.labels)}
    if raw.test_images is not None and raw.test_labels is not None:
        parts["test_"] = (raw.test_images, raw.test_labels)
    for part, (images, labels) in parts.items():
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            raise InputError(
                f"data set '{name}': {part}labels must be int64 [{len(images)}], one for each "
                f"image, not {labels.dtype} {list(labels.shape)}"
            )
        if not set(np.unique(labels)) <= {UNLABELED, *range(len(raw.classes))}:
            raise InputError(
                f"data set '{name}': {part}labels must be positions in its {len(raw.classes)} "
                f"classes, counted from 0, or {UNLABELED} where there is none"
            )
    lacking = set(range(len(raw.classes))) - set(np.unique(raw.labels))
    if lacking and UNLABELED not in raw.labels:
        raise InputError(f"data set '{name}': class '{raw.classes[min(lacking)]}' has no images")
    for what, names, of in (
        ("files", raw.files, raw.images),
        ("sites", raw.sites, raw.images),
        ("test sites", raw.test_sites, raw.test_images),
    ):
        count = 0 if of is None else len(of)
        if names and len(names) != count:
            raise InputError(
                f"data set '{name}': {len(names)} {what} are named, but there are {count} images"
            )
