"""Which folders are classes or sites: told from the names of image files in a folder or archive."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Literal

from fal.data.listing import Example, Listed, as_name
from fal.errors import InputError

Folders = Literal["classes", "sites"]

UNLABELED = re.compile("unlabell?ed")
"""Name of the folder, in small letters alone, of images whose label is not known."""
AMBIGUOUS = re.compile("un(known|sorted|classified|annotated)|none|null|no(ne)?labels?")
"""Names of folders that may be meant so, or as a class."""
PARTS = ("train", "test")
PART_NAMES = {*PARTS, "training", "testing", "val", "valid", "validation"}
"""Names of folders, in any letters, that are meant as parts; only PARTS are read as such."""
CLASS_NAMES = {"train", "valid"}
"""Those that may be meant as classes: some images show trains, and some are not valid."""
NAMED = 5
"""How many suffixes a sentence names."""


def find_layout(
    names: Iterable[str],
    source: object = "the folder",
    folders: Folders | None = None,
    others: Iterable[str] = (),
) -> Listed:
    """Tell from the image files' names which folders are classes; errors name ``source``.

    folders: what the top folders are; None: classes, unless they could be sites. others: the files
    that are no images.

    Names of classes and sites are as ``as_name`` gives them: folders that look the same are one.

    Raises InputError if fewer than two classes are found, if the classes of train and test
    differ, if a folder's name may say that its images have no labels, if one is named like a part
    but would not be read as one, if a site's folder has no image in a class folder, and if it is
    not said what the folders are and they could as well be sites whose sub-folders are the classes.
    """
    paths = sorted(tuple(name.split("/")) for name in names)
    if not paths:
        raise InputError(f"'{source}' holds no images")
    if folders == "sites":
        return _find_sites(paths, source, [tuple(name.split("/")) for name in others])
    tops = {parts[: parts.index("train")] for parts in paths if "train" in parts[:-2]}
    if len(tops) > 1:
        first, second, *_ = sorted("/".join((*top, "train")) for top in tops)
        raise InputError(
            f"'{source}' holds several data sets: '{first}' and '{second}' (if they are those of "
            "several sites, say folders: sites)"
        )
    if tops:
        (top,) = tops
        train, test = (_below(paths, (*top, part)) for part in PARTS)
        if not test:
            raise InputError(f"'{source}' has a train folder but no test/<class> images beside it")
        level = len(top) + 1
    else:
        top = _enclosing_folder(paths)
        train, test = _below(paths, top), []
        level = len(top)
        _check_parts(source, [parts[level:-1] for parts in paths])
    listed = Listed(train, test, has_test=bool(tops))
    if tops:
        _check_same_classes(source, listed)
    _check_classes(source, listed.classes)
    if folders is None:
        _check_sites(source, [tuple(map(as_name, name.split("/")[level:])) for name, _, _ in train])
    return listed


def describe_suffixes(names: Iterable[str]) -> str:
    """'12 .dcm, 3 without a suffix, 1 .01': how many files there are of each, most first."""
    suffixes = (PurePosixPath(name).suffix.lower() or "without a suffix" for name in names)
    counts = Counter(suffixes).most_common()
    first = ", ".join(f"{count} {suffix}" for suffix, count in counts[:NAMED])
    return f"{first}, and others" if len(counts) > NAMED else first


def in_folders(names: Iterable[str], listed: Listed) -> list[str]:
    """Those of ``names`` that lie in a folder, below the one that all listed images lie in."""
    top = os.path.commonpath([file for file, _, _ in [*listed.train, *listed.test]])
    start = f"{top}/" if top else ""
    return [n for n in names if n.startswith(start) and "/" in n.removeprefix(start)]


def _find_sites(
    paths: list[tuple[str, ...]], source: object, others: list[tuple[str, ...]]
) -> Listed:
    """``<site>/<class>/...``, with train and test above or below the sites, or without them."""
    enclosing = _enclosing_folder(paths, levels=3)
    top = len(enclosing)
    inside = [(parts, parts[top:]) for parts in paths if len(parts) >= top + 3]
    if not inside:
        raise InputError(f"'{source}' holds no images in folders <site>/<class>")
    part = next((i for i in (0, 1) if all(p[i] in PARTS for _, p in inside)), None)
    _check_parts(source, [tuple(n for i, n in enumerate(p[:-1]) if i != part) for _, p in inside])
    first, second = {None: (0, 1), 0: (1, 2), 1: (0, 2)}[part]
    examples: dict[str, list[Example]] = {name: [] for name in PARTS}
    for parts, below in inside:
        if len(below) > second + 1:
            which = "train" if part is None else below[part]
            examples[which].append(("/".join(parts), as_name(below[first]), _label(below[second])))
    listed = Listed(examples["train"], examples["test"], has_test=part is not None)
    if not listed.train or (listed.has_test and not listed.test):
        raise InputError(
            f"'{source}' must have images in train/<site>/<class> and test/<site>/<class>, in "
            "<site>/train/<class> and <site>/test/<class>, or in <site>/<class>"
        )
    sites = {site for _, site, _ in [*listed.train, *listed.test]}
    held = [
        (as_name(below[first]), below[-1])
        for below in (p[top:] for p in [*paths, *others] if p[:top] == enclosing)
        if len(below) > first + 1 and (part != 0 or below[0] in PARTS)
    ]
    _check_no_site_empty(source, [(site, file) for site, file in held if site not in sites])
    unseen = {label for _, _, label in listed.test if label}.difference(listed.classes)
    if unseen:
        raise InputError(f"class '{min(unseen)}' of '{source}' is in the test part only")
    _check_classes(source, listed.classes)
    return listed


def _enclosing_folder(paths: list[tuple[str, ...]], levels: int = 2) -> tuple[str, ...]:
    """Go down while there is but one folder and ``levels`` are left: folders and the file."""
    top: tuple[str, ...] = ()
    while True:
        inside = [parts[len(top) :] for parts in paths if parts[: len(top)] == top]
        folders = {parts[0] for parts in inside if len(parts) > 1}
        if len(folders) != 1 or max(map(len, inside)) <= levels:
            return top
        top += tuple(folders)


def _below(paths: list[tuple[str, ...]], folder: tuple[str, ...]) -> list[Example]:
    """The files that lie in class folders below ``folder``, from no site."""
    depth = len(folder)
    return [
        ("/".join(parts), "", _label(parts[depth]))
        for parts in paths
        if parts[:depth] == folder and len(parts) > depth + 1
    ]


def _letters(name: str) -> str:
    return re.sub("[^a-z]", "", name.casefold())


def _label(folder: str) -> str:
    """The class that a folder stands for; '' if it says that there is none."""
    return "" if UNLABELED.fullmatch(_letters(folder)) else as_name(folder)


def _check_parts(source: object, paths: list[tuple[str, ...]]) -> None:
    """Refuse folders that are named like a part but are none: training and test would be mixed.

    paths: the folders of each image from its site or class on, without that of its part.
    """
    named = [
        (path[: depth + 1], depth + 1 == len(path))
        for path in set(paths)
        for depth, name in enumerate(path)
        if as_name(name).casefold() in PART_NAMES
    ]
    names = {as_name(folder[-1]).casefold() for folder, _ in named}
    may_be_class = len(names) == 1 and names <= CLASS_NAMES and all(inner for _, inner in named)
    if not named or may_be_class:
        return
    _, folder = min((folder[-1] in PARTS, "/".join(folder)) for folder, _ in named)
    raise InputError(
        f"the folder '{folder}' of '{source}' is named like a part of the data, but would be read "
        "as a site or class; parts must be called train and test, at the same place for all "
        "images (take others out); a site or class needs another name"
    )


def _check_no_site_empty(source: object, unread: list[tuple[str, str]]) -> None:
    """unread: site and name of each file of the sites that have no image in a class folder."""
    if not unread:
        return
    site = min(site for site, _ in unread)
    kinds = describe_suffixes(name for of, name in unread if of == site)
    raise InputError(
        f"the folder '{site}' of '{source}' has the place of a site, but no image that can be read "
        f"in a class folder (its files: {kinds}); convert them, such as to PNG, sort them into "
        "class folders or one called 'unlabeled', or take the folder out"
    )


def _check_same_classes(source: object, listed: Listed) -> None:
    train_classes = set(listed.classes)
    test_classes = {label for _, _, label in listed.test if label}
    for part, extra in (
        ("train", train_classes - test_classes),
        ("test", test_classes - train_classes),
    ):
        if extra:
            raise InputError(
                f"the train and test classes of '{source}' differ: only {part} has "
                f"{', '.join(sorted(extra)[:5])}"
            )


def _check_classes(source: object, classes: Sequence[str]) -> None:
    if not classes:
        raise InputError(f"'{source}' holds images but no class folders around them")
    if len(classes) == 1:
        raise InputError(f"'{source}' holds only one class, '{classes[0]}'; at least 2 are needed")
    for label in classes:
        if AMBIGUOUS.fullmatch(_letters(label)):
            raise InputError(
                f"'{source}' has a class folder '{label}'; call it 'unlabeled' if its images have "
                "no label, or by another name if it is a class"
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
        "could be sites (such as hospitals) or classes; say which with folders: sites or folders: "
        "classes"
    )
