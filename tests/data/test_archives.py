"""Reading folders and archives: all formats, and all the ways in which they can be bad."""

import os
import stat
import tarfile
import zipfile

import pytest

from data.image_files import CONTENT, FORMATS, TAR_MODES, make, make_tar
from fal.data import archives
from fal.data.archives import files
from fal.errors import InputError


def contents(path):
    return {name: read() for name, read in files(path)}


def special_member(kind):
    info = tarfile.TarInfo("train/cat/2.jpg")
    info.type, info.linkname = kind, "/etc/passwd"
    return {**CONTENT, "special": info}


@pytest.mark.parametrize("form", FORMATS)
def test_all_formats_give_the_same_files(tmp_path, form):
    path = make(tmp_path, form)
    assert contents(path) == CONTENT
    assert [name for name, _ in files(path)] == [name for name, _ in files(path)]


def test_archives_are_told_apart_by_content_and_not_by_name(tmp_path):
    path = make(tmp_path, ".tar.xz").rename(tmp_path / "set.zip")
    assert contents(path) == CONTENT


def test_names_are_normalized(tmp_path):
    path = make_tar(tmp_path / "a.tar", {"./train/cat/1.jpg": b"1", "train\\dog\\1.jpg": b"2"})
    assert contents(path) == {"train/cat/1.jpg": b"1", "train/dog/1.jpg": b"2"}


@pytest.mark.parametrize("form", FORMATS)
def test_hidden_files_and_what_macos_adds_are_left_out(tmp_path, form):
    stray = {".git/HEAD": b"", "a/.DS_Store": b"", "__MACOSX/a/._b.png": b"x", "a/._b.png": b"x"}
    path = make(tmp_path, form, {**stray, "a/b.png": b"1"})
    assert contents(path) == {"a/b.png": b"1"}


def test_a_kind_of_archive_that_is_not_read_is_not_called_damaged(tmp_path):
    path = make_tar(tmp_path / "a.tar.bz2", CONTENT, "w:bz2")
    with pytest.raises(InputError, match=r"neither a folder nor an intact .zip, .tar, .tar.gz or"):
        contents(path)


@pytest.mark.parametrize("form", [".zip", *TAR_MODES])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_truncated_archive(tmp_path, form, kept):
    path = make(tmp_path, form, {**CONTENT, **{f"train/cat/{i}.jpg": b"?" * i for i in range(99)}})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(InputError, match=r"damaged|intact"):
        contents(path)


@pytest.mark.parametrize("form", [".zip", ".tar.gz", ".tar.xz"])
def test_archive_without_its_last_byte(tmp_path, form):
    path = make(tmp_path, form)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"damaged|intact"):
        contents(path)


def test_tar_cut_between_two_members(tmp_path):
    path = make_tar(tmp_path / "a.tar", {f"{i}.jpg": b"x" * 512 for i in range(5)})
    path.write_bytes(path.read_bytes()[: 3 * 1024])
    with pytest.raises(InputError, match="members are missing"):
        contents(path)


def test_tar_with_a_broken_header_in_the_middle(tmp_path):
    path = make_tar(tmp_path / "a.tar", {f"{i}.jpg": b"x" * 512 for i in range(5)})
    data = bytearray(path.read_bytes())
    data[2 * 1024 : 2 * 1024 + 8] = b"garbage!"
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged or incomplete"):
        contents(path)


@pytest.mark.parametrize("form", [".zip", ".tar.gz", ".tar.xz"])
def test_flipped_byte_is_noticed(tmp_path, form):
    path = make(tmp_path, form, {"a.jpg": os.urandom(5000)})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged or incomplete"):
        contents(path)


@pytest.mark.parametrize("form", FORMATS)
def test_archive_without_files(tmp_path, form):
    with pytest.raises(InputError, match="is empty"):
        contents(make(tmp_path, form, {}))


def test_missing_path_empty_file_and_no_archive(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        contents(tmp_path / "nowhere.zip")
    (tmp_path / "a.zip").touch()
    with pytest.raises(InputError, match="0 bytes"):
        contents(tmp_path / "a.zip")
    (tmp_path / "a.zip").write_text("a text, and no archive")
    with pytest.raises(InputError, match="neither a folder nor an intact"):
        contents(tmp_path / "a.zip")


@pytest.mark.parametrize("form", [".zip", ".tar", ".tar.xz"])
@pytest.mark.parametrize(
    "name", ["../evil.jpg", "train/../../evil.jpg", "/etc/evil.jpg", "..\\evil.jpg", "C:\\evil.jpg"]
)
def test_member_that_leaves_its_folder(tmp_path, form, name):
    path = make(tmp_path, form, {**CONTENT, name: b"evil"})
    with pytest.raises(InputError, match="would leave"):
        contents(path)
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_in_a_tar(tmp_path, kind):
    with pytest.raises(InputError, match=r"train/cat/2\.jpg.*link or a device"):
        contents(make_tar(tmp_path / "a.tar", special_member(kind)))


def test_link_in_a_zip(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("train/cat/2.jpg")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="link or a device"):
        contents(path)


@pytest.mark.parametrize("target", ["elsewhere", "elsewhere/file.jpg"])
def test_link_in_a_folder(tmp_path, target):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file.jpg").write_bytes(b"1")
    root = make(tmp_path, "folder")
    (root / "train" / "link").symlink_to(tmp_path / target)
    with pytest.raises(InputError, match="is a link"):
        contents(root)


def test_encrypted_zip(tmp_path):
    path = make(tmp_path, ".zip", {"a.jpg": b"1"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="is encrypted"):
        contents(path)


def zip_without_utf8_flag(path, name):
    """An archive as macOS makes it: names in UTF-8, but not said to be."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("x" * len(name.encode())), b"1")
    data = path.read_bytes().replace(b"x" * len(name.encode()), name.encode())
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_umlauts_are_shown_as_written(tmp_path, form):
    assert contents(make(tmp_path, form, {"größe/süß.png": b"1"})) == {"größe/süß.png": b"1"}


def test_umlauts_of_a_zip_that_does_not_say_how_they_are_written(tmp_path):
    path = zip_without_utf8_flag(tmp_path / "a.zip", "größe/süß.png")
    assert contents(path) == {"größe/süß.png": b"1"}


def test_umlauts_of_an_old_zip(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("gr@e.png"), b"1")
    path.write_bytes(path.read_bytes().replace(b"gr@e", "grÖe".encode("cp437")))
    assert contents(path) == {"grÖe.png": b"1"}


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 4)
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1 << 20)
    monkeypatch.setattr(archives, "SMALL_BYTES", 2 << 20)


@pytest.mark.parametrize("form", [".zip", *TAR_MODES])
def test_a_bomb_of_one_large_file(tmp_path, small_limits, form):
    path = make(tmp_path, form, {"a.png": b"1", "b.png": bytes(3 << 20)})
    read = {}
    with pytest.raises(InputError, match=r"is no archive of images: 'b\.png' has 3 MB; if it is"):
        read |= {name: content() for name, content in files(path)}
    assert "b.png" not in read


@pytest.mark.parametrize("form", [".zip", ".tar.gz", ".tar.xz"])
def test_a_bomb_of_zeros_that_shrinks_a_thousand_times(tmp_path, small_limits, form):
    path = make(tmp_path, form, {f"{i}.png": bytes(1 << 20) for i in range(3)})
    assert path.stat().st_size < 1 << 14
    with pytest.raises(InputError, match="it unpacks to more than 2 MB"):
        contents(path)


def test_what_hardly_shrinks_may_be_large(tmp_path, small_limits):
    path = make(tmp_path, ".tar", {f"{i}.png": bytes(1 << 20) for i in range(3)})
    assert len(contents(path)) == 3


@pytest.mark.parametrize("form", [".zip", *TAR_MODES])
def test_a_bomb_of_many_files(tmp_path, small_limits, form):
    path = make(tmp_path, form, {f"{i}.png": b"" for i in range(5)})
    with pytest.raises(InputError, match="it holds more than 4 files"):
        contents(path)


def test_a_tar_header_that_fills_the_memory(tmp_path, small_limits):
    """A member's extended header of 60 MB, which packs to 60 kB and is no member by itself."""
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a.png")
        info.pax_headers = {"comment": "0" * (60 << 20)}
        archive.addfile(info)
    with pytest.raises(InputError, match="it unpacks to more than"):
        contents(path)


def test_a_sparse_member_counts_with_the_size_it_claims(tmp_path, small_limits):
    info = tarfile.TarInfo("a.png")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"00077777777\0"[:12]
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    path = tmp_path / "a.tar"
    path.write_bytes(bytes(header[:512]) + bytes(20 * 512))
    with pytest.raises(InputError, match=r"'a\.png' has 17 MB"):
        contents(path)
