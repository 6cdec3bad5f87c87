"""Tiny-ImageNet in its official layout, whole and with parts missing."""

import pytest

from data.image_files import load, make
from fal.data.kinds import KINDS
from fal.errors import InputError


@pytest.mark.parametrize("where", ["zip", "beside", "folder", "inside"])
def test_tiny_imagenet(tmp_path, tiny_members, where):
    if where in ("zip", "beside"):
        path = make(tmp_path, ".zip", tiny_members).rename(tmp_path / "tiny-imagenet-200.zip")
        path = tmp_path if where == "beside" else path
    else:
        path = make(tmp_path, "folder", tiny_members)
        path = path / "tiny-imagenet-200" if where == "inside" else path
    data = load("tiny_imagenet", path=path)
    assert data.classes == ["n01", "n02"]
    assert data.train_images.shape == (10, 64, 64, 3)
    assert data.train_labels.tolist() == [0] * 5 + [1] * 5
    assert data.test_labels.tolist() == [1, 0, 1, 0]
    assert data.test_images.mean(axis=(1, 2, 3)).tolist() == pytest.approx([0, 40, 80, 120], abs=2)
    assert (data.flip, data.crop_padding) == (True, 4)
    assert load("tiny_imagenet", path=path, image_size=32).test_images.shape == (4, 32, 32, 3)


@pytest.mark.parametrize("form", [".zip", "folder"])
def test_neighbors_of_tiny_imagenet_do_not_matter(tmp_path, tiny_members, form):
    path = make(tmp_path, form, tiny_members)
    if form == ".zip":
        path = path.rename(tmp_path / "tiny-imagenet-200.zip").parent
    kind = KINDS.create("tiny_imagenet", path=str(path))
    before = kind.fingerprint(), kind.content_digest()
    (path / "cifar-100-python.tar.gz").write_bytes(b"another data set")
    assert (kind.fingerprint(), kind.content_digest()) == before


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("val/val_annotations.txt", "not the official tiny-imagenet-200"),
        ("val/images/val_2.JPEG", "disagree about .*val_2.JPEG"),
    ],
)
def test_tiny_imagenet_with_parts_missing(tmp_path, tiny_members, lost, message):
    del tiny_members[f"tiny-imagenet-200/{lost}"]
    with pytest.raises(InputError, match=message):
        load("tiny_imagenet", path=make(tmp_path, ".zip", tiny_members))
