"""The user's own images: a folder or an archive of class folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge

from fal.data.archives import files
from fal.data.folders import Folders, describe_suffixes, find_layout, in_folders
from fal.data.kinds.base import FromPath, RawImages, WithTestFraction
from fal.data.kinds.listing import DEFAULT_SIZE, read_listed
from fal.data.listing import Listed
from fal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ImageFolder(FromPath, WithTestFraction):
    """``train/<class>/...`` and ``test/<class>/...``, or class folders without that division.

    Either may lie inside one or more enclosing folders, and each class folder in that of a site.
    Files in folders below a class folder belong to the class, those in a folder called unlabeled to
    none; hidden files are passed over, files that are no images with a warning. Images are
    stretched to squares of ``image_size`` and stay gray if all of them are.
    """

    image_size: Annotated[int, Ge(8)] | None = None
    """Height and width that images are stretched to; null means 32."""
    folders: Folders | None = None
    """What the top folders are: classes, or sites (such as hospitals) in which the classes are;
    null means classes, and is refused where they could be sites."""

    needs_path: ClassVar[bool] = True
    clients_from: ClassVar[str | None] = "folder"

    def read(self, download_dir: Path) -> RawImages:
        """All images, sorted by name.

        Raises InputError as ``fal.data.archives.files`` and ``fal.data.folders.find_layout`` do,
        if there is no path, and if images are unreadable.
        """
        path, names, others, listed = self._listed()
        raw = read_listed(path, listed, listed.classes, self.image_size or DEFAULT_SIZE)
        sentences = []
        if ignored := len(names) - len(listed.train) - len(listed.test):
            sentences.append(
                f"{ignored} image(s) of '{path}' outside the class folders were ignored"
            )
        if unread := in_folders(others, listed):
            sentences.append(
                f"{len(unread)} file(s) in the folders of '{path}' are no images that can be read "
                f"and were left out: {describe_suffixes(unread)}"
            )
        return raw._replace(warnings=(*raw.warnings, *sentences))

    def site_names(self, keep_unlabeled: bool) -> list[str]:
        return self._listed()[-1].sites(keep_unlabeled)

    def _listed(self) -> tuple[Path, list[str], list[str], Listed]:
        """Folder or archive, its images, its other files, and what the images are."""
        if self.path is None:
            raise InputError("a data set of the kind image_folder needs a path")
        path = Path(self.path)
        names, others = _image_names(path)
        return path, names, others, find_layout(names, path, self.folders, others)


def _image_names(path: Path) -> tuple[list[str], list[str]]:
    """Names of the files that are images, each once, and of the others.

    A file without a suffix is opened to find out.
    """
    from fal.data.decoding import is_image

    images: dict[str, None] = {}
    others: dict[str, None] = {}
    for name, read_file in files(path):
        (images if is_image(name, read_file) else others)[name] = None
    return list(images), list(others)
