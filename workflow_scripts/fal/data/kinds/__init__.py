"""The kinds of data sets by the names that the configuration gives them."""

from typing import Any

from fal.data.kinds.base import DatasetKind
from fal.registry import Entry, Registry

KINDS: Registry[DatasetKind] = Registry(
    "kind of data set",
    DatasetKind,
    {
        "digits": Entry("fal.data.kinds.digits", "Digits"),
        "image_folder": Entry("fal.data.kinds.image_folder", "ImageFolder"),
        "table": Entry("fal.data.kinds.table", "ImageTable"),
        "features": Entry("fal.data.kinds.features", "Features"),
        "cifar10": Entry("fal.data.kinds.cifar", "CIFAR10"),
        "cifar100": Entry("fal.data.kinds.cifar", "CIFAR100"),
        "tiny_imagenet": Entry("fal.data.kinds.tiny_imagenet", "TinyImageNet"),
    },
)


def create(name: str, **options: Any) -> DatasetKind:
    """The kind ``name``, or a user's own ``file.py:Class``, with ``options``.

    Raises InputError if the name or an option is unknown or a value will not do.
    """
    return KINDS.create(name, **options)
