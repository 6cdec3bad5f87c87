"""Fetching official archives, with progress and a checksum."""

from pathlib import Path

from fal.errors import InputError

DOWNLOADS = Path("downloads")
"""Where archives are kept by default."""


def download(url: str, md5: str, folder: Path) -> Path:
    """The file at ``url`` in ``folder``: found there with the right MD5 sum, or fetched now.

    It appears under its name only when it is whole. Raises InputError if it cannot be had.
    """
    from http.client import HTTPException
    from tempfile import TemporaryDirectory

    from torchvision.datasets.utils import check_integrity, download_url

    name = url.rsplit("/", 1)[1]
    target = folder / name
    if check_integrity(target, md5):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as part:
        try:
            download_url(url, part, name, md5)
        except (OSError, RuntimeError, HTTPException) as error:
            raise InputError(
                f"could not download {url} ({error}); fetch it by other means and set path to it"
            ) from error
        return Path(part, name).replace(target)
