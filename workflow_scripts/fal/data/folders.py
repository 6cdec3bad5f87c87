"""Which folders are classes: told from the names of the image files in a folder or an archive."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from fal.errors import InputError

UNLABELED = re.compile(r"un(labell?ed|known|sorted|classified|annotated)|none|null|no(ne)?labels?")
"""Folder names, in small letters alone, that say that the labels of the images are not known."""


class Layout(NamedTuple):
    """Which file is an example of which class: lists of (file name, class name)."""

    train: list[tuple[str, str]]
    test: list[tuple[str, str]]


def find_layout(names: Iterable[str], source: object = "the folder") -> Layout:
    """Tell from the image files' names which folders are classes; errors name ``source``.

    Raises InputError if fewer than two classes are found, if the classes of train and test
    differ, if a folder's name says that its images have no labels, and if the folders could as
    well be sites whose sub-folders are the classes.
    """
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
        level = len(top) + 1
    else:
        top = _enclosing_folder(paths)
        train, test = _below(paths, top), []
        level = len(top)
    _check_classes(source, sorted({label for _, label in train}))
    _check_sites(source, [tuple(name.split("/")[level:]) for name, _ in train])
    return Layout(train, test)


def _enclosing_folder(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Go down while there is but one folder and it holds further folders."""
    top: tuple[str, ...] = ()
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


def _check_classes(source: object, classes: list[str]) -> None:
    if not classes:
        raise InputError(f"'{source}' holds images but no class folders around them")
    if len(classes) == 1:
        raise InputError(f"'{source}' holds only one class, '{classes[0]}'; at least 2 are needed")
    for label in classes:
        if UNLABELED.fullmatch(re.sub("[^a-z]", "", label.casefold())):
            raise InputError(
                f"'{source}' has a class folder '{label}', but every image needs its class: labels "
                "are hidden and revealed by the workflow itself; take the folder out, or rename it "
                "if it is a class"
            )


def _check_sites(source: object, paths: list[tuple[str, ...]]) -> None:
    """Refuse top folders that hold nothing but sub-folders, at least half of them recurring.

    paths: the parts of each file's name from its top folder on.
    """
    if any(len(parts) < 3 for parts in paths):
        return
    folders = {parts[:2] for parts in paths}
    tops_with = Counter(inner for _, inner in folders)
    recurring = sorted(inner for inner, count in tops_with.items() if count > 1)
    if len(tops_with) < 2 or 2 * len(recurring) < len(tops_with):
        return
    shared = recurring[0]
    first, second, *_ = sorted(top for top, inner in folders if inner == shared)
    raise InputError(
        f"'{source}': the folders '{first}' and '{second}' both hold a folder '{shared}', so they "
        "could be sites (such as hospitals) and not classes; put all images of a class directly "
        "into one folder named like the class"
    )
