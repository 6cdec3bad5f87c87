"""Images of more than 8 bits a value, against their values scaled one by one."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from data.image_files import RNG, png, tiff
from fal.data.decoding import decode
from fal.data.depth import UnsupportedDepthError, to_8_bits

FINITE = {"allow_nan": False, "allow_infinity": False}


def scaled(values):
    """By the definition, value by value."""
    lowest, highest = float(values.min()), float(values.max())
    width = highest - lowest
    return [round((float(v) - lowest) / width * 255) if width else 0 for v in values.ravel()]


def drawn(dtype, shape=(9, 9)):
    if np.dtype(dtype).kind == "f":
        return RNG.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max, shape, dtype=dtype)


def in_the_file(data):
    return decode(data, 9)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float32])
def test_gray_tiffs_are_scaled_by_their_own_range(dtype, order, compressed):
    values = drawn(dtype)
    image = in_the_file(tiff(values, order, compressed=compressed))
    assert image.gray
    assert image.deep
    assert image.pixels[..., 0].ravel().tolist() == scaled(values)
    assert (image.pixels == image.pixels[..., :1]).all()


@pytest.mark.parametrize("compressed", [False, True])
def test_unsigned_32_bit_values_do_not_wrap(compressed):
    values = drawn(np.uint32)
    pixels = in_the_file(tiff(values, compressed=compressed)).pixels
    assert pixels[..., 0].ravel().tolist() == scaled(values)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_where_zero_is_white_the_lowest_value_is(dtype, compressed):
    values = np.append(drawn(dtype, (8, 9)), np.full((1, 9), 7, dtype), axis=0)
    data = tiff(values, compressed=compressed, white_is_zero=True)
    negative = -values.astype(np.float64)
    expected = scaled(negative) if dtype != np.uint8 else (255 - values).ravel().tolist()
    assert in_the_file(data).pixels[..., 0].ravel().tolist() == expected


@pytest.mark.parametrize("bits", [None, 12])
def test_12_bit_values_are_not_nearly_black(bits):
    values = RNG.integers(0, 4096, (9, 9)).astype(np.uint16)
    pixels = in_the_file(tiff(values, bits=bits)).pixels
    assert pixels[..., 0].ravel().tolist() == scaled(values)
    assert pixels.max() == 255


def test_hounsfield_units_below_zero_stay_darker_than_those_above():
    values = np.tile(np.linspace(-1000, 1000, 9).astype(np.int16), (9, 1))
    pixels = in_the_file(tiff(values)).pixels
    assert (np.diff(pixels[0, :, 0].astype(int)) > 0).all()


@pytest.mark.parametrize("make", [png, tiff])
@pytest.mark.parametrize("highest", [4096, 65536])
def test_16_bit_color_is_scaled_over_all_channels(make, highest):
    values = RNG.integers(0, highest, (9, 9, 3)).astype(np.uint16)
    image = in_the_file(make(values))
    assert not image.gray
    assert image.deep
    assert image.pixels.ravel().tolist() == scaled(values)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_color_tiffs(order, compressed):
    values = drawn(np.uint16, (9, 9, 3))
    pixels = in_the_file(tiff(values, order, compressed=compressed)).pixels
    assert pixels.ravel().tolist() == scaled(values)


def test_transparency_of_16_bit_color_is_dropped():
    values = drawn(np.uint16, (9, 9, 4))
    pixels = in_the_file(png(values)).pixels
    assert pixels.ravel().tolist() == scaled(values[..., :3])


def test_16_bit_gray_png_and_what_pillow_cannot_read():
    values = drawn(np.uint16)
    image = in_the_file(png(values))
    assert image.gray
    assert image.pixels[..., 0].ravel().tolist() == scaled(values)
    with pytest.raises(UnsupportedDepthError, match=r"LA;16B.*save it as 16-bit gray or RGB"):
        in_the_file(png(drawn(np.uint16, (9, 9, 2))))


def test_a_plane_for_each_16_bit_color_is_refused():
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, drawn(np.uint16, (3, 9, 9)), photometric="rgb", planarconfig="separate"
    )
    with pytest.raises(UnsupportedDepthError, match="cannot read 16-bit values of this layout"):
        in_the_file(buffer.getvalue())


def test_deep_images_are_turned_upright():
    values = np.zeros((9, 9), np.uint16)
    values[0] = 1000
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(values).save(buffer, "PNG", exif=exif)
    pixels = in_the_file(buffer.getvalue()).pixels
    assert pixels[-1].min() == 255
    assert pixels[:-1].max() == 0


@given(
    hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(width=32, **FINITE)
    )
)
def test_scaling_keeps_order_and_uses_the_whole_range(values):
    pixels = to_8_bits(values)
    assert pixels.ravel().tolist() == scaled(values)
    assert (np.diff(pixels.ravel()[np.argsort(values, axis=None)].astype(int)) >= 0).all()
    assert set(pixels.ravel()) >= ({0, 255} if values.min() < values.max() else {0})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(bad):
    with pytest.raises(UnsupportedDepthError, match="NaN or infinite values"):
        to_8_bits(np.array([[0, bad]], np.float32))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG"])
def test_8_bit_images_are_what_pillow_makes_of_them(mode, form):
    buffer = io.BytesIO()
    try:
        Image.fromarray(drawn(np.uint8, (9, 9, 3))).convert(mode).save(buffer, form)
    except OSError:
        return  # The format has no such mode.
    image = in_the_file(buffer.getvalue())
    expected = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
    assert not image.deep
    assert np.array_equal(image.pixels, expected)
