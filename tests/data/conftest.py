"""Official data sets in miniature, and a server to download them from."""

import hashlib
import pickle
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from data.image_files import RNG, picture


def md5(data):
    return hashlib.md5(data).hexdigest()


@pytest.fixture(params=["cifar10", "cifar100"])
def cifar(request, tmp_path, monkeypatch):
    """A small set in the official format: (kind, torchvision class, members, images, labels)."""
    from torchvision import datasets

    official = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[request.param]
    key, classes = ("labels", 10) if request.param == "cifar10" else ("fine_labels", 100)
    members, images, labels = {}, {}, {}
    for part in ("train_list", "test_list"):
        checked = []
        for name, _ in getattr(official, part):
            data = RNG.integers(0, 256, (2 * classes, 3072), dtype=np.uint8)
            numbers = np.arange(2 * classes) % classes
            members[name] = pickle.dumps({"data": data, key: numbers.tolist()})
            checked.append([name, md5(members[name])])
            images.setdefault(part, []).append(data)
            labels.setdefault(part, []).append(numbers)
        monkeypatch.setattr(official, part, checked)
    meta = dict(official.meta)
    members[meta["filename"]] = pickle.dumps({meta["key"]: [f"c{i}" for i in range(classes)]})
    monkeypatch.setattr(official, "meta", meta | {"md5": md5(members[meta["filename"]])})
    members = {f"{official.base_folder}/{name}": data for name, data in members.items()}
    arrays = [np.concatenate(part) for part in (images["train_list"], labels["train_list"])]
    return request.param, official, members, *arrays


@pytest.fixture
def tiny_members():
    top = "tiny-imagenet-200/"
    members = {f"{top}wnids.txt": b"n02\nn01\n", f"{top}words.txt": b"n01\tcat\nn02\tdog\n"}
    for wnid in ("n01", "n02"):
        for i in range(5):
            gray = wnid == "n01" and i == 0
            name = f"{top}train/{wnid}/images/{wnid}_{i}.JPEG"
            members[name] = picture((64, 64), "L" if gray else "RGB", "JPEG")
        members[f"{top}train/{wnid}/{wnid}_boxes.txt"] = b"n01_0.JPEG\t0\t0\t9\t9\n"
    table = []
    for i, wnid in enumerate(["n02", "n01", "n02", "n01"]):
        members[f"{top}val/images/val_{i}.JPEG"] = picture((64, 64), form="JPEG", color=40 * i)
        table.append(f"val_{i}.JPEG\t{wnid}\t0\t0\t62\t62\n")
    members[f"{top}val/val_annotations.txt"] = "".join(table).encode()
    members[f"{top}test/images/test_0.JPEG"] = picture((64, 64), form="JPEG")
    return members


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(tmp_path):
    """A folder and the URL under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(QuietHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
