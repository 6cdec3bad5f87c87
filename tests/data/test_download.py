"""Downloads from a server on this machine."""

import hashlib

import pytest

from data.image_files import load, make
from fal.errors import InputError


def test_downloads_are_checked_kept_and_reused(cifar, tmp_path, served, monkeypatch):
    kind, official, members, images, _ = cifar
    folder, url = served
    archive = make(tmp_path, ".tar.gz", members).rename(folder / official.filename)
    monkeypatch.setattr(official, "url", f"{url}/{archive.name}")
    monkeypatch.setattr(official, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    data = load(kind, download_dir=tmp_path / "downloads")
    assert len(data.train_images) == len(images)
    assert [file.name for file in (tmp_path / "downloads").iterdir()] == [archive.name]
    archive.unlink()
    assert len(load(kind, download_dir=tmp_path / "downloads").train_images) == len(images)


@pytest.mark.parametrize("name", ["tiny.zip", "nowhere.zip"])
def test_failed_downloads_are_told_and_leave_nothing(tmp_path, served, monkeypatch, name):
    from fal.data.kinds import tiny_imagenet

    folder, url = served
    (folder / "tiny.zip").write_bytes(b"not the official archive")
    monkeypatch.setattr(tiny_imagenet, "URL", f"{url}/{name}")
    with pytest.raises(InputError, match="could not download"):
        load("tiny_imagenet", download_dir=tmp_path / "downloads")
    assert not list((tmp_path / "downloads").iterdir())
