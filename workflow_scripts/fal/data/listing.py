"""Which files are the images of a data set, and what is known of each by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

Example = tuple[str, str, str]
"""File, site and class of an image; '' where one is unknown."""


def as_name(text: str) -> str:
    """``text`` as the name of a class or site: umlauts of one sign, no blanks at the ends."""
    return unicodedata.normalize("NFC", text).strip()


class Listed(NamedTuple):
    """The training and test images. has_test: whether there is a test part, or one is drawn."""

    train: Sequence[Example]
    test: Sequence[Example]
    has_test: bool

    @property
    def classes(self) -> list[str]:
        """The classes of the training images, sorted."""
        return sorted({label for _, _, label in self.train if label})

    def sites(self, keep_unlabeled: bool) -> list[str]:
        """The sites that have training images, sorted; keep_unlabeled: ones without label count."""
        return sorted({site for _, site, label in self.train if site and (label or keep_unlabeled)})
