"""The ways of dividing the training images among clients, by name."""

from __future__ import annotations

from typing import Any

from fal.data.partitions.base import Partition
from fal.registry import Entry, Registry

PARTITIONS: Registry[Partition] = Registry(
    "partition",
    Partition,
    {
        "dirichlet": Entry("fal.data.partitions.dirichlet", "Dirichlet"),
        "plain-dirichlet": Entry("fal.data.partitions.plain_dirichlet", "PlainDirichlet"),
        "shards": Entry("fal.data.partitions.shards", "Shards"),
        "log-normal": Entry("fal.data.partitions.independent", "LogNormal"),
        "iid": Entry("fal.data.partitions.independent", "IID"),
    },
)


def create(method: str, **options: Any) -> Partition:
    """The partition ``method``, a name of PARTITIONS or ``path/to/file.py:Class``.

    Raises InputError if the name or an option is unknown or a value will not do.
    """
    return PARTITIONS.create(method, **options)
