"""Small folders and archives of images, in all forms, and their reading."""

import io
import os
import tarfile
import zipfile

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
