"""Which folders are taken for classes, and which layouts are refused."""

import pytest

from fal.data.folders import find_layout
from fal.errors import InputError


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "holds no images"),
        (["1.png", "2.png"], "no class folders"),
        (["cat/1.png", "cat/2.png"], "only one class, 'cat'"),
        (["top/cat/1.png"], "only one class, 'cat'"),
        (["train/cat/1.png", "test/cat/1.png"], "only one class, 'cat'"),
        (["train/cat/1.png", "train/dog/1.png"], "no test/<class> images"),
        (["train/a/1.png", "train/b/1.png", "test/a/1.png"], "only train has b"),
        (["train/a/1.png", "test/b/1.png", "test/a/1.png"], "only test has b"),
        (["x/train/a/1.png", "y/train/a/1.png"], "'x/train' and 'y/train'"),
    ],
)
def test_layouts_that_make_no_data_set(names, message):
    with pytest.raises(InputError, match=message):
        find_layout(names)


def test_layout_with_a_class_called_train():
    layout = find_layout(["vehicles/train/1.png", "vehicles/car/1.png"])
    assert [label for _, label in layout.train] == ["car", "train"]
