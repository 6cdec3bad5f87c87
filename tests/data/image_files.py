"""Small folders and archives of images, in all forms, and their reading."""

import io
import os
import struct
import tarfile
import zipfile
import zlib

import numpy as np
from PIL import Image

from fal.data import kinds

RNG = np.random.default_rng(0)
CONTENT = {"train/cat/1.jpg": b"meow" * 500, "train/dog/1.jpg": os.urandom(5000), "README.md": b"x"}
TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tar.xz": "w:xz"}
FORMATS = [".zip", *TAR_MODES, "folder"]


def make_tar(path, members, mode="w"):
    """``members``: name -> bytes, or a ready TarInfo."""
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def make(tmp_path, form, members=CONTENT):
    if form in TAR_MODES:
        return make_tar(tmp_path / f"set{form}", members, TAR_MODES[form])
    if form == ".zip":
        with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return tmp_path / "set.zip"
    root = tmp_path / "set"
    root.mkdir()
    for name, data in members.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def picture(size=(8, 8), mode="RGB", form="PNG", color=None):
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = RNG.integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    if color is not None:
        pixels[:] = color
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def png(values):
    """A PNG of uint16 [H, W] or [H, W, C], which Pillow cannot write for C > 1."""
    height, width, *channels = values.shape
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels[0] if channels else 1]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png_file(width, height, 16, color_type, rows)


def huge_png(width, height):
    """The beginning of a PNG of so many black pixels."""
    return png_file(width, height, 8, 0, b"")


def png_file(width, height, bits, color_type, rows):
    def chunk(name, data):
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tiff(values, order="<", bits=None, compressed=False, white_is_zero=False):
    """A TIFF of [H, W] or [H, W, 3], of any type and byte order; ``bits`` 12: packed."""
    height, width, *channels = values.shape
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    bits = bits or 8 * values.dtype.itemsize
    count = channels[0] if channels else 1
    data = (
        packed(values) if bits == 12 else values.astype(values.dtype.newbyteorder(order)).tobytes()
    )
    data = zlib.compress(data) if compressed else data
    tags = {
        256: width,
        257: height,
        258: bits,
        259: 8 if compressed else 1,
        262: 2 if channels else int(not white_is_zero),
        273: 0,
        277: count,
        278: height,
        279: len(data),
        339: kind,
    }
    lists = {258, 339} if channels else set()
    start = 8 + 2 + 12 * len(tags) + 4
    directory, extra = struct.pack(f"{order}H", len(tags)), b""
    for tag, value in tags.items():
        if tag in lists:
            directory += struct.pack(f"{order}HHII", tag, 3, count, start + len(extra))
            extra += struct.pack(f"{order}{count}H", *[value] * count)
        else:
            value = start + 6 * len(lists) if tag == 273 else value
            directory += struct.pack(f"{order}HHII", tag, 4, 1, value)
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(f"{order}HI", 42, 8)
    return head + directory + struct.pack(f"{order}I", 0) + extra + data


def packed(values):
    """Each row's 12-bit values, two in three bytes."""
    rows = b""
    for row in values:
        bits = "".join(f"{value:012b}" for value in row)
        bits += "0" * (-len(bits) % 8)
        rows += int(bits, 2).to_bytes(len(bits) // 8, "big")
    return rows


def split_set(train=6, test=3, classes=("cat", "dog"), top=""):
    return {
        f"{top}{part}/{label}/{i}.png": picture()
        for part, count in (("train", train), ("test", test))
        for label in classes
        for i in range(count)
    }


def class_folders(count=10, classes=("cat", "dog", "emu")):
    return {f"{label}/{i}.png": picture() for label in classes for i in range(count)}


def load(kind, name=None, seed=0, download_dir="downloads", **options):
    """The data set of a kind with ``options``."""
    return kinds.create(kind, **options).load(name or kind, download_dir, seed)
