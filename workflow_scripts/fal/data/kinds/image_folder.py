"""The user's own images: a folder or an archive of class folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from fal.data.archives import files
from fal.data.folders import find_layout
from fal.data.kinds.base import FromPath, RawImages, WithTestFraction
from fal.errors import InputError

DEFAULT_SIZE = 32
STRAY_FOLDERS = {"__MACOSX"}


@dataclass(frozen=True, kw_only=True)
class ImageFolder(FromPath, WithTestFraction):
    """``train/<class>/...`` and ``test/<class>/...``, or class folders without that division.

    Either may lie inside one or more enclosing folders. Files in folders below a class folder
    belong to the class; hidden files and files that are no images are passed over. Images are
    stretched to squares of ``image_size`` and stay gray if all of them are.
    """

    image_size: Annotated[int, Ge(8)] | None = None
    """Height and width that images are stretched to; null means 32."""

    needs_path: ClassVar[bool] = True

    def read(self, download_dir: Path) -> RawImages:
        """All images, sorted by name.

        Raises InputError as ``fal.data.archives.files`` and ``fal.data.folders.find_layout`` do,
        if there is no path, and if images are unreadable.
        """
        from fal.data.decoding import decode_files

        if self.path is None:
            raise InputError("a data set of the kind image_folder needs a path")
        path = Path(self.path)
        names = list(_image_names(path))
        layout = find_layout(names, path)
        examples = layout.train + layout.test
        classes = sorted({label for _, label in layout.train})
        number = {label: position for position, label in enumerate(classes)}
        images, warnings = decode_files(
            path, [name for name, _ in examples], self.image_size or DEFAULT_SIZE
        )
        labels = np.array([number[label] for _, label in examples], dtype=np.int64)
        if ignored := len(names) - len(examples):
            warnings += (f"{ignored} image(s) of '{path}' outside the class folders were ignored",)
        first = len(layout.train)
        raw = RawImages(
            classes=classes,
            images=images[:first],
            labels=labels[:first],
            files=tuple(name for name, _ in layout.train),
            warnings=warnings,
        )
        if not layout.test:
            return raw
        return raw._replace(test_images=images[first:], test_labels=labels[first:])


def _image_names(path: Path) -> Iterator[str]:
    """Names of the files that are images; a file without a suffix is opened to find out."""
    from fal.data.decoding import is_image

    for name, read_file in files(path):
        parts = name.split("/")
        hidden = any(part.startswith(".") or part in STRAY_FOLDERS for part in parts)
        if not hidden and is_image(name, read_file):
            yield name
