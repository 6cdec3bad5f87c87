"""The user's own images, listed in a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, MinLen

from fal.data.kinds.base import FromPath, RawImages, WithTestFraction
from fal.data.kinds.listing import DEFAULT_SIZE, read_listed
from fal.data.listing import Listed, as_name
from fal.data.tables import find_table, is_table, listed_files, read_table
from fal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ImageTable(FromPath, WithTestFraction):
    """A CSV table with the columns ``image,site,label,split``, or a folder or archive with one.

    Paths are relative to the table. ``site`` and ``split`` (train or test) may be left out. Images
    are stretched to squares of ``image_size`` and stay gray if all of them are.
    """

    image_size: Annotated[int, Ge(8)] | None = None
    """Height and width that images are stretched to; null means 32."""
    table: Annotated[str, MinLen(1)] | None = None
    """Name of the table within path; null means its only .csv file."""
    classes: Annotated[tuple[str, ...], MinLen(2)] | None = None
    """Names of the classes, in order; null means all labels of training images, sorted."""

    needs_path: ClassVar[bool] = True
    clients_from: ClassVar[str | None] = "table"

    def read(self, download_dir: Path) -> RawImages:
        """All images, in the order of the table.

        Raises InputError as ``fal.data.tables`` does, if there is no path, and if images are
        unreadable.
        """
        root, listed, classes = self._listed()
        return read_listed(root, listed, classes, self.image_size or DEFAULT_SIZE)

    def site_names(self, keep_unlabeled: bool) -> list[str]:
        return self._listed()[1].sites(keep_unlabeled)

    def _sources(self, path: Path) -> list[Path]:
        return [path, *listed_files(path)] if is_table(path) else [path]

    def _listed(self) -> tuple[Path, Listed, list[str]]:
        if self.path is None:
            raise InputError("a data set of the kind table needs a path")
        root, name, text, names = find_table(Path(self.path), self.table)
        table = read_table(name, text, names, self._classes())
        listed = Listed(
            train=[(row.file, row.site, row.label) for row in table.rows if not row.test],
            test=[(row.file, row.site, row.label) for row in table.rows if row.test],
            has_test=table.has_split,
        )
        return root, listed, table.classes

    def _classes(self) -> list[str] | None:
        """The list of classes, if there is one. Raises InputError if one is named twice."""
        if self.classes is None:
            return None
        names = [as_name(name) for name in self.classes]
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(f"classes names '{twice[0]}' more than once")
        return names
