"""From encoded image files to uint8 arrays: decoding, resizing, statistics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from fal.data.archives import Read, files
from fal.data.depth import (
    DEEP_GRAY_MODES,
    UnsupportedDepthError,
    deep_values,
    is_deep,
    to_8_bits,
)
from fal.errors import InputError

GRAY_MODES = {"1", "L", "LA", "La", *DEEP_GRAY_MODES}
COMMON_FORMATS = ("JPEG", "PNG")
NOT_READ = {"EPS", "BUFR", "GRIB", "HDF5", "MPEG", "WMF"}
"""Formats that Pillow knows and leaves to others: for EPS it would run Ghostscript."""
NAMED = 5
"""How many unreadable images an error names."""
SMALL = 8
"""Sides in pixels below which an image is hardly one."""
STATISTICS_CHUNK = 4096


class Decoded(NamedTuple):
    """An image and what its file was like.

    pixels: uint8 [size, size, 3]. gray: whether the file is. deep: whether it has more than 8 bits
    a value. pages: how many it has, of which this is the first. shape: (width, height) in the file.
    """

    pixels: np.ndarray
    gray: bool
    deep: bool
    pages: int
    shape: tuple[int, int]


@cache
def readable_formats() -> dict[str, str]:
    """File name suffix -> Pillow format, for all formats that Pillow reads by itself."""
    return {
        suffix: name
        for suffix, name in Image.registered_extensions().items()
        if name in Image.OPEN and name not in NOT_READ
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
    except Image.DecompressionBombError:
        return True


def decode(data: bytes, size: int) -> Decoded:
    """One image of ``size`` x ``size`` pixels: the first of a stack or an animation.

    Turned upright as its EXIF tag says, stretched to a square, transparency dropped. Values of
    more than 8 bits (16-bit, 32-bit, float) are scaled by the file's own range: the lowest becomes
    black, the highest white. Raises whatever Pillow raises on bytes that are no whole image, and
    UnsupportedDepthError on values that are NaN or infinite.
    """
    with _open(data) as file:
        shape, gray, deep = file.size, file.mode in GRAY_MODES, is_deep(file)
        if deep:
            with _open(data) as again:
                image = Image.fromarray(to_8_bits(deep_values(file, again)))
        else:
            image = ImageOps.exif_transpose(file)
        if "transparency" in image.info:
            image = image.convert("RGBA")
        image = image.convert("RGB")
        if image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.BILINEAR)
        return Decoded(np.asarray(image), gray, deep, _pages(file), shape)


def _pages(file: ImageFile.ImageFile) -> int:
    """How many pages or pictures a file has that was loaded; a photograph's preview is none."""
    if file.format == "MPO":
        return 1
    try:
        return getattr(file, "n_frames", 1)
    except Exception:  # as in decode_files: what follows the first page may be damaged
        return 1


def _open(data: bytes) -> ImageFile.ImageFile:
    return Image.open(BytesIO(data), formats=_formats_to_try())


@cache
def _formats_to_try() -> tuple[str, ...]:
    """All readable formats, the common ones first: Pillow tries them one after the other."""
    formats = set(readable_formats().values())
    return (*COMMON_FORMATS, *sorted(formats.difference(COMMON_FORMATS)))


def decode_files(path: Path, names: Sequence[str], size: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """The images ``names`` of the folder or archive ``path``, and warnings about doubtful ones.

    names: each once. Of members of an archive that have the same name the last one counts.
    Returns uint8 [len(names), size, size, C], C = 1 if all files are gray and 3 otherwise.
    Raises InputError with the number of unreadable images, and what is wrong with the first ones.
    """
    rows = {name: row for row, name in enumerate(names)}
    images = np.empty((len(rows), size, size, 3), dtype=np.uint8)
    decoded: dict[str, Decoded] = {}
    unreadable: dict[str, str] = {}
    with tqdm(total=len(rows), desc=path.name, unit=" images", disable=None) as progress:
        for name, read in files(path):
            if name not in rows:
                continue
            data = read()
            try:
                image = decode(data, size)
            except Exception as error:  # Pillow's decoders raise many kinds on damaged bytes
                unreadable[name] = _reason(error)
            else:
                unreadable.pop(name, None)
                images[rows[name]] = image.pixels
                decoded[name] = image._replace(pixels=images[rows[name]])
            progress.update()
    if unreadable:
        raise InputError(_unreadable(path, unreadable))
    all_gray = all(image.gray for image in decoded.values())
    return images[..., :1].copy() if all_gray else images, _warnings(path, decoded, size)


def _reason(error: Exception) -> str:
    """What is wrong with an image, by what Pillow raised."""
    if isinstance(error, Image.DecompressionBombError):
        pixels, limit = re.findall(r"\d+", str(error))[:2]
        return (
            f"too large ({int(pixels) / 1e6:.0f} megapixels; the limit is {int(limit) / 1e6:.0f})"
        )
    if isinstance(error, UnsupportedDepthError):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return "not a whole image: no format that Pillow knows"
    return f"not a whole image: {error or type(error).__name__}"


def _unreadable(path: Path, reasons: Mapping[str, str]) -> str:
    first = sorted(reasons.items())[:NAMED]
    named = ", ".join(f"{name} ({reason})" for name, reason in first)
    return (
        f"'{path}' has {len(reasons)} unreadable image(s), such as {named}; mend or remove "
        f"{'them' if len(reasons) > 1 else 'it'}"
    )


def _warnings(path: Path, decoded: Mapping[str, Decoded], size: int) -> tuple[str, ...]:
    sentences = []
    deep = [name for name, image in decoded.items() if image.deep]
    small = {name: image.shape for name, image in decoded.items() if min(image.shape) < SMALL}
    if deep:
        sentences.append(
            f"{len(deep)} image(s) of '{path}', such as {min(deep)}, have more than 8 bits a "
            "value; each was scaled by its own range, its lowest value to black, its highest to "
            "white"
        )
    if stacks := [name for name, image in decoded.items() if image.pages > 1]:
        name = min(stacks)
        sentences.append(
            f"{len(stacks)} image(s) of '{path}' have several pages or pictures, such as {name} "
            f"with {decoded[name].pages}; the first of each was taken"
        )
    if small:
        name, (width, height) = min(small.items())
        sentences.append(
            f"{len(small)} image(s) of '{path}' are smaller than {SMALL}x{SMALL} pixels, such as "
            f"{name} with {width}x{height}; they were stretched to {size}x{size}"
        )
    return tuple(sentences)


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
