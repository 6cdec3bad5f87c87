"""Vectors of features in the place of images."""

import unicodedata

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors
from sklearn.linear_model import LogisticRegression

from data.image_files import load, make
from fal.data import kinds
from fal.data.dataset import Dataset
from fal.data.images import Images
from fal.errors import InputError

RNG = np.random.default_rng(0)
TRAIN = {
    "features": RNG.normal(3, 2, (12, 5)).astype(np.float32),
    "labels": np.array([4, 9] * 5 + [-1, 4]),
}
TEST = {"test_features": RNG.normal(3, 2, (4, 5)), "test_labels": np.array([9, 4, 9, -1])}
SITES = {"sites": np.array(["Köln", "B/C"] * 6), "test_sites": np.array(["Köln"] * 3 + ["X"])}


def npy(array):
    from io import BytesIO

    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def folder(tmp_path, form="folder", **arrays):
    return str(make(tmp_path, form, {f"x/{name}.npy": npy(a) for name, a in arrays.items()}))


@pytest.mark.parametrize("form", ["folder", ".zip", ".tar.xz"])
def test_arrays_are_read_and_kept(tmp_path, form):
    path = folder(tmp_path, form, **TRAIN, **TEST, **SITES)
    kind = kinds.create("features", path=path)
    assert kind.site_names(keep_unlabeled=True) == ["B/C", "Köln"]
    data = kind.load("x", keep_unlabeled=True)
    assert data.train_images.shape == (12, 1, 1, 5)
    assert data.train_images.dtype == np.float32
    assert np.array_equal(data.train_images[:, 0, 0], TRAIN["features"])
    assert data.train_labels.tolist() == [0, 1] * 5 + [-1, 0]
    assert data.test_labels.tolist() == [1, 0, 1]
    assert data.classes == ["4", "9"]
    assert data.sites.names == ("B/C", "Köln")
    assert data.sites.test.tolist() == [1, 1, 1]
    assert (data.flip, data.crop_padding) == (False, 0)
    data.save(tmp_path / "prepared")
    images, _ = Images.of(Dataset.open(tmp_path / "prepared"), "train", "cpu")
    assert images.shape == (5, 1, 1)
    batch = images.batch(torch.arange(12)[:, None])[:, :, 0, 0]
    expected = TRAIN["features"].astype(np.float64)
    expected = (expected - expected.mean(0)) / expected.std(0)
    assert batch.numpy() == pytest.approx(expected, abs=1e-5)


def test_texts_that_look_the_same_are_one_class_and_one_site(tmp_path):
    def texts(one, other, count):
        two_signs = unicodedata.normalize("NFD", one)
        return np.array(([one, other, two_signs, f"{other} "] * 3)[:count])

    train = TRAIN | {"labels": texts("Nävus", "MEL", 12), "sites": texts("Süd", "Ost", 12)}
    test = TEST | {"test_labels": texts("Nävus", "MEL", 4), "test_sites": texts("Süd", "Ost", 4)}
    data = load("features", path=folder(tmp_path, **train, **test))
    assert data.classes == ["MEL", "Nävus"]
    assert data.sites.names == ("Ost", "Süd")
    assert data.test_labels.tolist() == [1, 0, 1, 0]


def test_safetensors_hold_the_same(tmp_path):
    path = str(tmp_path / "all.safetensors")
    save_file({**TRAIN, **TEST, "sites": np.arange(12) % 3, "test_sites": np.arange(4)}, path)
    data = load("features", path=path)
    assert len(data.train_labels) == 11
    assert data.sites.names == ("0", "1", "2")
    assert np.array_equal(data.train_images[:10, 0, 0], TRAIN["features"][:10])


def test_bfloat16_is_told(tmp_path):
    path = tmp_path / "all.safetensors"
    save_tensors({"features": torch.zeros(4, 2, dtype=torch.bfloat16)}, path)
    with pytest.raises(InputError, match=r"cannot be read as safetensors .*bfloat16"):
        load("features", path=str(path))


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        (np.linspace(0, 1, 12), r"sites must be whole numbers or texts \[N\], not float64 \[12\]"),
        (np.array([["x"]] * 12), r"not <U1 \[12, 1\]"),
        (np.array(["x"] * 11 + [" "]), "sites has an empty text in row 11: name a site"),
    ],
)
def test_sites_that_will_not_do(tmp_path, sites, message):
    kind = kinds.create("features", path=folder(tmp_path, **TRAIN, sites=sites))
    for read in (lambda: kind.load("x"), lambda: kind.site_names(True)):
        with pytest.raises(InputError, match=message):
            read()


def test_without_a_test_part_one_is_drawn_and_texts_are_classes(tmp_path):
    labels = np.array(["cat", "dog", "emu", ""] * 5)
    path = folder(tmp_path, features=RNG.normal(size=(20, 3)), labels=labels)
    data = load("features", path=path, test_fraction=0.4)
    assert data.classes == ["cat", "dog", "emu"]
    assert len(data.train_labels) == 9
    assert len(data.test_labels) == 6


def test_a_feature_that_never_changes_is_not_blown_up(tmp_path):
    features = np.concatenate([TRAIN["features"], np.full((12, 1), 7)], axis=1)
    data = load("features", path=folder(tmp_path, features=features, labels=TRAIN["labels"]))
    assert data.std[-1] == 1
    assert data.mean[-1] == 7


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": None}, "has no array 'labels'; found are features"),
        ({"features": np.zeros(12)}, r"features must be numbers \[N, D\], not float64 \[12\]"),
        ({"features": np.full((12, 2), np.nan)}, "12 row\\(s\\) .* no finite float32, .* row 0"),
        ({"features": np.full((12, 2), 1e39)}, "12 row\\(s\\) .* no finite float32, .* row 0"),
        ({"labels": np.zeros(12)}, r"labels must be whole numbers or texts \[N\], not float64"),
        ({"labels": np.zeros(12, int)}, r"labels have 1 class\(es\); at least 2"),
        ({"labels": np.array([0, 1])}, r"labels must be int64 \[12\], one for each image"),
        ({"labels": np.array([{}] * 12)}, "is no array"),
        ({"test_features": np.zeros((4, 5))}, "must have both test_features and test_labels"),
        ({**TEST, "test_labels": np.array([4, 4, 9, 5])}, "class '5' is in the test part only"),
        (
            {**TEST, "test_features": np.zeros((4, 2))},
            "test_features have 2 columns, but",
        ),
        ({**TEST, "sites": np.arange(12)}, "must have 'test_sites' where it has 'sites'"),
        ({"sites": np.arange(11)}, "11 sites are named, but there are 12 images"),
    ],
)
def test_arrays_that_will_not_do(tmp_path, arrays, message):
    given = {k: v for k, v in {**TRAIN, **arrays}.items() if v is not None}
    with pytest.raises(InputError, match=message):
        load("features", path=folder(tmp_path, **given))


def test_a_linear_network_on_features_learns_what_logistic_regression_does(tmp_path):
    from sklearn.datasets import load_digits

    from fal.federated import algorithms, evaluation, models, networks
    from fal.federated.cohort import Cohort
    from fal.federated.models import Stacks
    from fal.federated.options import LocalTraining, Training
    from fal.federated.rounds import train_rounds

    digits = load_digits()
    path = folder(
        tmp_path,
        features=digits.data[:600],
        labels=digits.target[:600],
        test_features=digits.data[600:1200],
        test_labels=digits.target[600:1200],
    )
    data = load("features", path=path)
    images, labels = Images.of(data, "train", "cpu")
    test_images, test_labels = Images.of(data, "test", "cpu")
    network = networks.create("linear")
    cohort = Cohort(
        stacks=Stacks(lambda n, seed: models.build(network, images.shape, 10, seed, n), "cpu"),
        images=images,
        labels=labels,
        examples=list(torch.arange(600).split([300, 200, 100])),
        local=LocalTraining(epochs=5, batch_size=50, weight_decay=0.0),
        seed=0,
        cycle=0,
        lockstep=8,
    )
    training = Training(rounds=3, learning_rate=0.1)
    initial = cohort.initial_weights()
    state, _ = train_rounds(
        algorithms.create("fedavg"), cohort, training, initial, lambda weights: 0.0
    )
    ours = evaluation.accuracy(cohort.stacks.get(1), state["global"], test_images, test_labels)
    scaled = (digits.data - np.array(data.mean)) / np.array(data.std)
    reference = LogisticRegression(max_iter=100).fit(scaled[:600], digits.target[:600])
    theirs = 100 * reference.score(scaled[600:1200], digits.target[600:1200])
    assert ours == pytest.approx(theirs, abs=2.5)
