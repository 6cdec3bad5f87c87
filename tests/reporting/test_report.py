"""What the report says, without a browser."""

import base64
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fal.reporting import report
from fal.reporting.catalogue import Picture
from fal.reporting.page import data_uri
from reporting.synthetic_runs import accuracies

DATASET = report.Dataset("digits", list("0123456789"), 1438, 359)
TRAINING = {"rounds": 10, "local_epochs": 5}


@pytest.mark.parametrize("cycles", [1, 2, 4])
def test_facts_tell_the_scale(cycles):
    facts = report.facts(accuracies(["ifal"], [1, 2], range(cycles)), [DATASET], TRAINING)
    assert facts["Data set digits"] == "1,438 training and 359 test images of 10 classes"
    assert facts["Training in a cycle"] == "10 rounds of 5 local epochs, from a fresh model"
    assert facts["Seeds"] == "1, 2"
    assert (
        facts["Labeled"]
        == {
            1: "10.0 % of the images at the start (100 images)",
            2: "10.0 % of the images at the start, 15.0 % after 1 query (100 to 150 images)",
            4: "10.0 % of the images at the start, 25.0 % after 3 queries (100 to 250 images)",
        }[cycles]
    )


def test_what_is_labeled_is_told_for_each_data_set():
    other = accuracies(["ifal"], [1], range(2)).assign(
        dataset="cifar10", labeled=lambda t: 10 * t["labeled"]
    )
    both = pd.concat([accuracies(["ifal"], [1], range(4)), other])
    facts = report.facts(both, [DATASET], TRAINING)
    assert "Labeled" not in facts
    assert facts["Labeled of digits"].endswith("25.0 % after 3 queries (100 to 250 images)")
    assert facts["Labeled of cifar10"].endswith("15.0 % after 1 query (1000 to 1500 images)")


def test_data_set_is_read(tmp_path):
    for part, count in (("train", 7), ("test", 3)):
        np.save(tmp_path / f"{part}_labels.npy", np.zeros(count, dtype=np.int64))
    info = tmp_path / "dataset.json"
    info.write_text('{"name": "mine", "classes": ["a", "b"], "note": "JPEG"}')
    assert report.read_dataset(info) == report.Dataset("mine", ["a", "b"], 7, 3, "JPEG")


def test_many_pictures_are_made_smaller(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "queries.png"
    Image.fromarray(rng.integers(0, 256, (1200, 2000, 3), dtype=np.uint8)).save(path)
    path.with_suffix(".svg").write_text("<svg/>")
    picture = Picture("queries", "x", {})
    whole = report._image(picture, path.with_suffix(".svg"), small=False).data
    assert whole == data_uri(path.with_suffix(".svg"))
    small = report._image(picture, path.with_suffix(".svg"), small=True).data
    shown = Image.open(BytesIO(base64.b64decode(small.partition(",")[2])))
    assert shown.size == (1000, 600)
    assert shown.mode == "P"
