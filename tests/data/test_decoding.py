"""Decoding, resizing and statistics of images."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from data.image_files import RNG, picture
from fal.data.decoding import channel_statistics, decode, is_image


@given(
    images=hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5), st.just(3))
    )
)
def test_statistics_agree_with_numpy(images):
    mean, std = channel_statistics(images)
    pixels = images.reshape(-1, 3) / 255
    assert mean == pytest.approx(pixels.mean(axis=0))
    assert std == pytest.approx(np.maximum(pixels.std(axis=0), 1 / 255), abs=1e-6)


def test_statistics_of_many_chunks():
    images = RNG.integers(0, 256, (10_000, 2, 2, 1), dtype=np.uint8)
    mean, std = channel_statistics(images)
    assert mean == pytest.approx([images.mean() / 255])
    assert std == pytest.approx([images.std() / 255])


@pytest.mark.parametrize("name", ["a.mpg", "a.H5", "a.grib", "a.eps", "a.wmf", "a.txt"])
def test_formats_that_pillow_leaves_to_others_are_no_images(name):
    assert not is_image(name, lambda: pytest.fail("was read"))


def test_an_image_without_a_suffix_is_one_though_it_is_too_large(monkeypatch):
    assert is_image("scan", picture)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert is_image("scan", picture)
    assert not is_image("scan", lambda: b"none")


def test_palette_and_rotated_images():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (200, 10, 30)).quantize(4).save(buffer, "PNG", transparency=b"\x40")
    decoded = decode(buffer.getvalue(), 4)
    assert not decoded.gray
    assert decoded.pixels.tolist() == [[[200, 10, 30]] * 4] * 4
    buffer, image = io.BytesIO(), np.zeros((4, 4, 3), np.uint8)
    image[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(image).save(buffer, "PNG", exif=exif)
    assert np.array_equal(decode(buffer.getvalue(), 4).pixels, image[::-1])
