"""Images of more than 8 bits a value: 16-bit, 32-bit and float, gray, and 16-bit in color.

Pillow would cut them to 8 bits or clip them there, and gives of 16-bit color the high bytes alone:
the low ones are had by opening the file again and calling its byte order the other one.
"""

from __future__ import annotations

import sys

import numpy as np
from PIL import ImageOps
from PIL.ImageFile import ImageFile

DEEP_GRAY_MODES = {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
SWAPPED = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
NATIVE = {"I;16BS": "I;16S", "I;32BS": "I;32S", "F;32BF": "F;32F"}
BITS_PER_SAMPLE, PHOTOMETRIC, PLANES = 258, 262, 284
WHITE_IS_ZERO = 0


class UnsupportedDepthError(ValueError):
    """An image whose values Pillow would distort."""


def is_deep(file: ImageFile) -> bool:
    """Whether an image that was opened, and not yet loaded, has more than 8 bits a value."""
    return file.mode in DEEP_GRAY_MODES or ";16" in _rawmode(file) or _has_deep_planes(file)


def deep_values(file: ImageFile, again: ImageFile) -> np.ndarray:
    """The values of a deep image, turned upright: [H, W], or [H, W, 3] with transparency dropped.

    Where the file calls its lowest value white, as many X-ray images do, they are negated.

    file, again: the same image opened twice, not yet loaded.
    Raises UnsupportedDepthError where Pillow cannot read them.
    """
    rawmode = _rawmode(file)
    if file.mode in DEEP_GRAY_MODES:
        if sys.byteorder == "little" and getattr(file, "tile", None):
            _correct_compressed(file, rawmode)
        values = np.asarray(ImageOps.exif_transpose(file))
        values = values.view(np.uint32) if rawmode.startswith("I;32N") else values
        return -values.astype(np.float64) if _is_negative(file) else values
    if _has_deep_planes(file) or rawmode[:-1] not in ("RGB;16", "RGBA;16", "RGBX;16"):
        raise UnsupportedDepthError(
            f"Pillow cannot read 16-bit values of this layout ({rawmode}); save it as 16-bit gray "
            "or RGB, or with 8 bits"
        )
    _replace_rawmode(again, rawmode[:-1] + SWAPPED[rawmode[-1]])
    high, low = (np.asarray(ImageOps.exif_transpose(part))[..., :3] for part in (file, again))
    return high.astype(np.uint16) << 8 | low


def to_8_bits(values: np.ndarray) -> np.ndarray:
    """``values`` as uint8: its lowest one becomes 0, its highest 255, what lies between in line.

    Halves are rounded to the even number. An image of one value becomes 0.
    Raises UnsupportedDepthError if a value is NaN or infinite.
    """
    lowest, highest = float(values.min()), float(values.max())
    if not np.isfinite([lowest, highest]).all():
        raise UnsupportedDepthError("it holds NaN or infinite values")
    if lowest == highest:
        return np.zeros(values.shape, np.uint8)
    shares = (values.astype(np.float64) - lowest) / (highest - lowest)
    return np.rint(shares * 255).astype(np.uint8)


def _rawmode(file: ImageFile) -> str:
    """How values lie in the file, in Pillow's words, or nothing where the format does not say."""
    tile = getattr(file, "tile", None)
    args = tile[0].args if tile else ""
    first = args if isinstance(args, str) else next(iter(args or ()), "")
    return first if isinstance(first, str) else ""


def _replace_rawmode(file: ImageFile, rawmode: str) -> None:
    file.tile = [
        tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
        for tile in file.tile
    ]


def _correct_compressed(file: ImageFile, rawmode: str) -> None:
    """libtiff swaps the bytes of big-endian values itself; Pillow 13 would swap them again."""
    if file.tile[0].codec_name == "libtiff" and rawmode in NATIVE:
        _replace_rawmode(file, NATIVE[rawmode])


def _is_negative(file: ImageFile) -> bool:
    """Whether it is a TIFF whose lowest value is white; Pillow turns 8 bits alone around."""
    return getattr(file, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO


def _has_deep_planes(file: ImageFile) -> bool:
    """Whether it is a TIFF with a plane for each color and more than 8 bits a value."""
    tags = getattr(file, "tag_v2", {})
    return tags.get(PLANES) == 2 and max(tags.get(BITS_PER_SAMPLE, (8,))) > 8
