"""From encoded image files to uint8 arrays: decoding, resizing, statistics."""

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from fal.data.archives import Read, files
from fal.errors import InputError

GRAY_MODES = {"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
COMMON_FORMATS = ("JPEG", "PNG")
NAMED_IN_ERRORS = 5
STATISTICS_CHUNK = 4096


class RawImages(NamedTuple):
    """What a data set's reader returns; sets without a test part leave the last two fields out."""

    classes: list[str]
    images: np.ndarray  # uint8 [N, H, W, C]
    labels: np.ndarray  # int64 [N]
    note: str = ""
    test_images: np.ndarray | None = None
    test_labels: np.ndarray | None = None


@cache
def readable_formats() -> dict[str, str]:
    """File name suffix -> Pillow format, for all formats that Pillow reads by itself.

    EPS is left out: Pillow would run Ghostscript on the file.
    """
    return {
        suffix: name
        for suffix, name in Image.registered_extensions().items()
        if name in Image.OPEN and name != "EPS"
    }


def is_image(name: str, read: Read) -> bool:
    """Whether the suffix promises an image; a file without a suffix is opened to find out."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix:
        return suffix in readable_formats()
    try:
        with _open(read()):
            return True
    except UnidentifiedImageError:
        return False


def decode(data: bytes, size: int) -> tuple[np.ndarray, bool]:
    """One image as uint8 [size, size, 3] and whether its file is gray.

    Turned upright as its EXIF tag says, stretched to a square, transparency dropped. 16-bit images
    are scaled to 8 bits. Raises whatever Pillow raises on bytes that are no whole image.
    """
    with _open(data) as file:
        image = ImageOps.exif_transpose(file)
        gray = image.mode in GRAY_MODES
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
        if "transparency" in image.info:
            image = image.convert("RGBA")
        image = image.convert("RGB")
        if image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(image), gray


def _open(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data), formats=_formats_to_try())


@cache
def _formats_to_try() -> tuple[str, ...]:
    """All readable formats, the common ones first: Pillow tries them one after the other."""
    formats = set(readable_formats().values())
    return (*COMMON_FORMATS, *sorted(formats.difference(COMMON_FORMATS)))


def decode_files(path: Path, rows: Mapping[str, int], size: int) -> np.ndarray:
    """Decode the files named in ``rows``, each into its row: uint8 [len(rows), size, size, C].

    C is 1 if all files are gray and 3 otherwise. Raises InputError naming the first unreadable
    images and their number.
    """
    images = np.empty((len(rows), size, size, 3), dtype=np.uint8)
    all_gray, unreadable = True, []
    with tqdm(total=len(rows), desc=path.name, unit=" images", disable=None) as progress:
        for name, read in files(path):
            if name not in rows:
                continue
            data = read()
            try:
                images[rows[name]], gray = decode(data, size)
            except Exception:  # Pillow's decoders raise many kinds on damaged bytes
                unreadable.append(name)
            else:
                all_gray &= gray
            progress.update()
    if unreadable:
        named = ", ".join(sorted(unreadable)[:NAMED_IN_ERRORS])
        raise InputError(f"'{path}' has {len(unreadable)} unreadable image(s), such as {named}")
    return images[..., :1].copy() if all_gray else images


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Images [N, H, W, C] as uint8 [N, size, size, C], bilinear."""
    resized = np.empty((len(images), size, size, images.shape[3]), dtype=np.uint8)
    for row, image in zip(resized, images, strict=True):
        flat = Image.fromarray(image.squeeze(axis=2) if image.shape[2] == 1 else image)
        scaled = flat.resize((size, size), Image.Resampling.BILINEAR)
        row[:] = np.asarray(scaled).reshape(row.shape)
    return resized


def channel_statistics(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of uint8 [N, H, W, C], with 255 counted as 1.

    Exact: taken from counts of the 256 values. A constant channel gets the standard deviation of
    one gray level, so that dividing by it is safe.
    """
    channels = images.shape[3]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for start in range(0, len(images), STATISTICS_CHUNK):
        chunk = images[start : start + STATISTICS_CHUNK]
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[..., channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = counts @ values / counts.sum(axis=1)
    variance = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1)
    return mean.tolist(), np.maximum(np.sqrt(variance), 1 / 255).tolist()
