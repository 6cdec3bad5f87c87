"""Data sets that are a folder or an archive of class folders, split into train and test or not."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fal.data.archives import files
from fal.data.decoding import RawImages, decode_files, is_image
from fal.errors import InputError

DEFAULT_SIZE = 32
STRAY_FOLDERS = {"__MACOSX"}


class Layout(NamedTuple):
    """Which file is an example of which class: lists of (file name, class name)."""

    train: list[tuple[str, str]]
    test: list[tuple[str, str]]


def read(path: Path, image_size: int | None, download_dir: Path) -> RawImages:
    """Read ``train/<class>/...`` and ``test/<class>/...``, or class folders without that split.

    Either may lie inside one or more enclosing folders. Files in folders below a class folder
    belong to the class; hidden files and files that are no images are passed over. Images are
    stretched to ``image_size`` (default 32) squares and stay gray if all of them are.
    Raises InputError as ``fal.data.archives.files`` does, and if images are unreadable, if fewer
    than two classes are found, or if the classes of train and test differ.
    """
    del download_dir  # nothing to download
    names = list(_image_names(path))
    layout = find_layout(names, path)
    examples = layout.train + layout.test
    classes = sorted({label for _, label in layout.train})
    number = {label: position for position, label in enumerate(classes)}
    rows = {name: row for row, (name, _) in enumerate(examples)}
    images = decode_files(path, rows, image_size or DEFAULT_SIZE)
    labels = np.array([number[label] for _, label in examples], dtype=np.int64)
    ignored = len(names) - len(rows)
    note = f"{ignored} image(s) outside the class folders were ignored" if ignored else ""
    split = len(layout.train)
    if not layout.test:
        return RawImages(classes, images, labels, note)
    return RawImages(classes, images[:split], labels[:split], note, images[split:], labels[split:])


def find_layout(names: Iterable[str], source: object = "the folder") -> Layout:
    """Tell from the image files' names which folders are classes; errors name ``source``."""
    paths = sorted(tuple(name.split("/")) for name in names)
    if not paths:
        raise InputError(f"'{source}' holds no images")
    tops = {parts[: parts.index("train")] for parts in paths if "train" in parts[:-2]}
    if len(tops) > 1:
        first, second, *_ = sorted("/".join((*top, "train")) for top in tops)
        raise InputError(f"'{source}' holds several data sets: '{first}' and '{second}'")
    if tops:
        (top,) = tops
        train, test = (_below(paths, (*top, part)) for part in ("train", "test"))
        if not test:
            raise InputError(f"'{source}' has a train folder but no test/<class> images beside it")
        _check_same_classes(source, train, test)
    else:
        train, test = _below(paths, _enclosing_folder(paths)), []
    classes = sorted({label for _, label in train})
    if not classes:
        raise InputError(f"'{source}' holds images but no class folders around them")
    if len(classes) == 1:
        raise InputError(f"'{source}' holds only one class, '{classes[0]}'; at least 2 are needed")
    return Layout(train, test)


def _image_names(path: Path) -> Iterable[str]:
    """Names of the files that are images; a file without a suffix is opened to find out."""
    for name, read_file in files(path):
        parts = name.split("/")
        hidden = any(part.startswith(".") or part in STRAY_FOLDERS for part in parts)
        if not hidden and is_image(name, read_file):
            yield name


def _enclosing_folder(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Go down while there is but one folder and it holds further folders."""
    top = ()
    while True:
        inside = [parts[len(top) :] for parts in paths if parts[: len(top)] == top]
        folders = {parts[0] for parts in inside if len(parts) > 1}
        if len(folders) != 1 or max(map(len, inside)) < 3:
            return top
        top += tuple(folders)


def _below(paths: list[tuple[str, ...]], folder: tuple[str, ...]) -> list[tuple[str, str]]:
    """(File name, class) of the files that lie in class folders below ``folder``."""
    depth = len(folder)
    return [
        ("/".join(parts), parts[depth])
        for parts in paths
        if parts[:depth] == folder and len(parts) > depth + 1
    ]


def _check_same_classes(
    source: object, train: list[tuple[str, str]], test: list[tuple[str, str]]
) -> None:
    train_classes, test_classes = ({label for _, label in part} for part in (train, test))
    for part, extra in (
        ("train", train_classes - test_classes),
        ("test", test_classes - train_classes),
    ):
        if extra:
            raise InputError(
                f"the train and test classes of '{source}' differ: only {part} has "
                f"{', '.join(sorted(extra)[:5])}"
            )
