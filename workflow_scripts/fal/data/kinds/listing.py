"""From lists of image files to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fal.data.dataset import UNLABELED
from fal.data.kinds.base import RawImages
from fal.data.listing import Listed
from fal.errors import InputError

DEFAULT_SIZE = 32


def read_listed(path: Path, listed: Listed, classes: Sequence[str], size: int) -> RawImages:
    """The images in the folder or archive ``path``, as squares of ``size`` pixels.

    Raises InputError if the test part is empty where there should be one, and if images are
    unreadable.
    """
    from fal.data.decoding import decode_files

    if listed.has_test and not listed.test:
        raise InputError(f"'{path}' has no test images; leave the column split out to draw some")
    examples = [*listed.train, *listed.test]
    number = {label: position for position, label in enumerate(classes)}
    images, warnings = decode_files(path, [file for file, _, _ in examples], size)
    labels = np.array([number.get(label, UNLABELED) for _, _, label in examples], dtype=np.int64)
    sites = [site for _, site, _ in examples]
    first = len(listed.train)
    raw = RawImages(
        classes=list(classes),
        images=images[:first],
        labels=labels[:first],
        files=tuple(file for file, _, _ in listed.train),
        sites=tuple(sites[:first]) if any(sites) else (),
        warnings=warnings,
    )
    if not listed.has_test:
        return raw
    return raw._replace(
        test_images=images[first:],
        test_labels=labels[first:],
        test_sites=tuple(sites[first:]) if any(sites) else (),
    )
