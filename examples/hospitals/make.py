"""Make a small federation of five hospitals, most of whose images have no label.

    python examples/hospitals/make.py FOLDER

The images are the handwritten digits that come with scikit-learn, so that nothing is downloaded
and anybody can label them. Each hospital has a scanner of its own, its own mix of classes and its
own way of naming files; the higher a digit, the rarer it is. FOLDER gets

    images/<hospital>/...  the images
    images.csv             which hospital each is from, its label where one is known, its part
    truth.csv              the labels of all images, for annotate.py
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter
from sklearn.datasets import load_digits

TAIL = 0.2
"""Images of the last class relative to the first."""
TEST_SHARE = 0.25
"""Test images, all of them labeled, relative to a hospital's training images."""
LABELED_SHARE = 0.1
"""Share of a hospital's training images that has a label from the start, at least two images."""


class Hospital(NamedTuple):
    """A site: training images, how its scanner draws, and how it names a file."""

    name: str
    images: int
    pixels: int
    contrast: float
    blur: float
    noise: float
    inverted: bool
    file: str


HOSPITALS = [
    Hospital("University", 340, 32, 1.0, 0.0, 4, False, "scan-{:04}.png"),
    Hospital("City", 180, 32, 0.7, 0.6, 8, False, "IMG{:05}.PNG"),
    Hospital("Lakeside", 80, 24, 0.9, 0.3, 20, False, "{:03}.png"),
    Hospital("Klinik Süd", 40, 28, 0.8, 0.0, 8, True, "Röntgen {:03}.png"),
    Hospital("Village", 16, 24, 0.5, 0.8, 12, False, "{}.png"),
]


class Row(NamedTuple):
    """An image of the table that is to be written."""

    image: str
    site: str
    label: str
    split: str


def long_tail(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places of the images that are kept: of each class fewer than of the one before."""
    counts = np.bincount(digits)
    shares = TAIL ** np.linspace(0, 1, len(counts))
    kept = (counts.min() * shares).astype(int)
    places = [rng.permutation(np.flatnonzero(digits == c))[:n] for c, n in enumerate(kept)]
    return np.concatenate(places)


def admit(
    pool: np.ndarray, digits: np.ndarray, number: int, rng: np.random.Generator
) -> np.ndarray:
    """Places of the ``number`` images that a hospital with its own mix of classes draws."""
    mix = rng.dirichlet(np.full(digits.max() + 1, 3.0))
    chances = mix[digits[pool]]
    return rng.choice(pool, number, replace=False, p=chances / chances.sum())


def scan(pixels: np.ndarray, hospital: Hospital, rng: np.random.Generator) -> Image.Image:
    """A digit [8, 8] of values 0 to 16 as the hospital's scanner shows it."""
    size = (hospital.pixels, hospital.pixels)
    image = Image.fromarray((pixels * 255 / 16).astype(np.uint8)).resize(size, Image.BICUBIC)
    values = np.asarray(image.filter(ImageFilter.GaussianBlur(hospital.blur)), dtype=float)
    values = 128 + hospital.contrast * (values - 128) + rng.normal(0, hospital.noise, size)
    values = 255 - values if hospital.inverted else values
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def federation(folder: Path) -> Iterator[tuple[Row, str]]:
    """Save the images of all hospitals; yields each one's row and its true label."""
    data = load_digits()
    rng = np.random.default_rng(0)
    pool = long_tail(data.target, rng)
    # The small ones choose first, and the largest takes what is there.
    for hospital in sorted(HOSPITALS, key=lambda hospital: hospital.images):
        (folder / "images" / hospital.name).mkdir(parents=True)
        tests = int(TEST_SHARE * hospital.images)
        labeled = max(2, int(LABELED_SHARE * hospital.images))
        chosen = admit(pool, data.target, hospital.images + tests, rng)
        pool = np.setdiff1d(pool, chosen)
        for number, place in enumerate(rng.permutation(chosen)):
            name = f"images/{hospital.name}/{hospital.file.format(number + 1)}"
            scan(data.images[place], hospital, rng).save(folder / name)
            truth = str(data.target[place])
            is_test = number >= hospital.images
            known = truth if is_test or number < labeled else ""
            yield Row(name, hospital.name, known, "test" if is_test else "train"), truth


def write_table(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder that is not there yet, or is empty")
    folder = parser.parse_args().folder
    if folder.is_dir() and any(folder.iterdir()):
        sys.exit(f"Error: '{folder}' is not empty; name a folder that is not there yet")
    listed = list(federation(folder))
    write_table(folder / "images.csv", Row._fields, [row for row, _ in listed])
    write_table(folder / "truth.csv", ("image", "label"), [(row.image, t) for row, t in listed])
    labeled = sum(row.split == "train" and row.label != "" for row, _ in listed)
    tests = sum(row.split == "test" for row, _ in listed)
    print(
        f"{folder / 'images.csv'} lists {len(listed)} images of {len(HOSPITALS)} hospitals: "
        f"{len(listed) - tests} to learn from, {labeled} of them with a label, and {tests} to "
        "test with"
    )


if __name__ == "__main__":
    main()
