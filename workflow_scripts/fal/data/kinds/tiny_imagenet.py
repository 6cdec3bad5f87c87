"""Tiny-ImageNet (Stanford CS231n): 200 classes, 500 training and 50 validation images of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from fal.data.archives import files
from fal.data.download import download
from fal.data.kinds.base import FromPath, RawImages
from fal.errors import InputError

URL = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
MD5 = "90528d7ca1a48142e341f4ef8d21d0de"
DEFAULT_SIZE = 64
ANNOTATIONS = "val/val_annotations.txt"


@dataclass(frozen=True, kw_only=True)
class TinyImageNet(FromPath):
    """Tiny-ImageNet: 200 classes of 500 training and 50 test images, 64 x 64 in color.

    ``path`` is the official zip, the folder it unpacks to, or a folder that holds either; without
    it the zip is downloaded.
    """

    crop_padding: ClassVar[int] = 4

    def read(self, download_dir: Path) -> RawImages:
        """The official layout; its validation set is the test set, its test set has no labels.

        Classes are the WordNet ids in sorted order. Raises InputError as
        ``fal.data.archives.files`` does, and if the layout is another one.
        """
        from fal.data.decoding import decode_files

        path = _inside(Path(self.path)) if self.path else download(URL, MD5, download_dir)
        train, test = _labeled_names(path)
        classes = sorted(set(train.values()))
        if unknown := sorted(set(test.values()) - set(classes)):
            raise InputError(
                f"{ANNOTATIONS} of '{path}' names a class without images: {unknown[0]}"
            )
        names = [*train, *test]
        images, warnings = decode_files(path, names, self.image_size or DEFAULT_SIZE)
        number = {label: position for position, label in enumerate(classes)}
        labels = np.array([number[label] for label in [*train.values(), *test.values()]], np.int64)
        first = len(train)
        return RawImages(
            classes=classes,
            images=images[:first],
            labels=labels[:first],
            test_images=images[first:],
            test_labels=labels[first:],
            files=tuple(train),
            warnings=warnings,
        )

    def source_size(self) -> tuple[int, int]:
        return 200, 100_000

    def _sources(self, path: Path) -> list[Path]:
        return [_inside(path)]


def _inside(path: Path) -> Path:
    """The official zip or what it unpacks to, where a folder holds one of them beside others."""
    archive = path / Path(URL).name
    held = [place for place in (archive, archive.with_suffix("")) if place.exists()]
    return held[0] if held else path


def _labeled_names(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """File name -> WordNet id, sorted by name, of the training and of the validation images."""
    from fal.data.decoding import is_image

    train: dict[str, str] = {}
    val: list[str] = []
    annotations = None
    for name, read_file in files(path):
        parts = name.split("/")
        if name.endswith(ANNOTATIONS):
            top, annotations = name.removesuffix(ANNOTATIONS), read_file().decode()
        elif parts[-2:-1] == ["images"] and is_image(name, read_file):
            if parts[-4:-3] == ["train"]:
                train[name] = parts[-3]
            elif parts[-3:-2] == ["val"]:
                val.append(name)
    if annotations is None or not train:
        raise InputError(
            f"'{path}' is not the official tiny-imagenet-200: train/<class>/images or "
            f"{ANNOTATIONS} is missing"
        )
    table = [line.split("\t") for line in annotations.splitlines()]
    test = {f"{top}val/images/{file}": label for file, label, *_ in table}
    if missing := sorted(set(test).symmetric_difference(val)):
        raise InputError(f"{ANNOTATIONS} of '{path}' and its images disagree about {missing[0]}")
    return dict(sorted(train.items())), dict(sorted(test.items()))
