"""How many sites a data set has, told before it is read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fal.data.kinds.base import DatasetKind
from fal.data.prepared import record_of, same_options, settled_fingerprint
from fal.errors import InputError
from fal.options import given_options


def number_of_sites(kind: DatasetKind, prepared: Path, keep_unlabeled: bool) -> int:
    """How many sites have training images.

    prepared: the folder that the data set is prepared in. Where it was made of the same files by
    the same options it is asked, as looking through an archive takes time.
    keep_unlabeled: whether images that have no label count.
    Raises InputError as ``DatasetKind.site_names`` does, and if there are no sites.
    """
    fingerprint = settled_fingerprint(kind, prepared)
    if (count := _of_prepared(prepared, kind, fingerprint, keep_unlabeled)) is not None:
        return count
    names = _names(kind, fingerprint, keep_unlabeled)
    if not names:
        raise InputError(
            "no site is told for any training image that has a label; sites are looked for in "
            f"{_PLACES[kind.clients_from]}"
        )
    return len(names)


_PLACES: dict[str | None, str] = {
    "table": "the table's column site",
    "folder": "the folders <site>/<class>/",
    "features": "the array sites",
}


@cache
def _names(kind: DatasetKind, fingerprint: str, keep_unlabeled: bool) -> tuple[str, ...]:
    return tuple(kind.site_names(keep_unlabeled))


def _of_prepared(
    folder: Path, kind: DatasetKind, fingerprint: str, keep_unlabeled: bool
) -> int | None:
    """The number of clients that the prepared data set has, if it was made by the same options of
    the same files."""
    import numpy as np

    try:
        made = record_of(folder)["settings"]
        options = {"kind": made["options"]["kind"], **given_options(kind)}
        same = same_options(options, made["options"], kind)
        if not same or fingerprint != made["fingerprint"]:
            return None
        if bool(made.get("keep_unlabeled")) != keep_unlabeled:
            return None
        with np.load(folder / "sites.npz", allow_pickle=False) as sites:
            return int(sites["train"].max()) + 1
    except (OSError, ValueError, KeyError, TypeError):
        return None
