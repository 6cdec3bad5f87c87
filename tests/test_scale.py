"""Experiments made smaller."""

import pytest

from fal.errors import InputError
from fal.resolve import resolve

WHOLE = {
    "datasets": ["digits", {"small": {"kind": "digits", "train_size": 400}}, "cifar10"],
    "clients": [10, 20],
    "seeds": [3, 1, 2],
    "strategies": [
        "ifal",
        {"k-200": {"method": "ifal", "k": 200}},
        {"share": {"method": "ifal", "k": 0.4}},
        "random",
    ],
    "labeling": {"initial": 0.1, "budget": 0.05, "cycles": 6, "cycles_of": {"small": 3}},
    "training": {"rounds": 100, "local_epochs": 5},
    "distillation": {"epochs": 500},
}


def scaled(**scale):
    return resolve({**WHOLE, "scale": scale})


def test_without_a_scale_nothing_changes():
    settings = scaled()
    assert settings.scale_note == ""
    assert settings.training.rounds == 100 and len(settings.seeds) == 3
    assert settings.datasets["cifar10"]["train_size"] is None
    assert settings.strategies["ifal"] == {"method": "ifal"}


def test_every_part_is_bounded():
    settings = scaled(
        image_size=16, rounds=10, local_epochs=1, distillation_epochs=30, cycles=4, seeds=2
    )
    assert settings.seeds == (3, 1)
    assert (settings.training.rounds, settings.training.local_epochs) == (10, 1)
    assert settings.distillation.epochs == 30
    assert settings.labeling.cycles == 4 and settings.labeling.cycles_on("small") == 3
    assert {data["image_size"] for data in settings.datasets.values()} == {16}
    assert settings.scale_note == (
        "scaled down to at most 16x16 pixels, 10 rounds, 1 local epoch, 30 epochs of distillation, "
        "4 query cycles, 2 seeds"
    )


def test_bounds_above_what_there_is_change_nothing():
    settings = scaled(rounds=1000, local_epochs=50, distillation_epochs=600, cycles=9, seeds=9)
    whole = scaled()
    for part in ("training", "distillation", "labeling", "seeds"):
        assert getattr(settings, part) == getattr(whole, part)


def test_images_are_counted_for_the_first_number_of_clients():
    sizes = {
        name: data["train_size"] for name, data in scaled(images_per_client=60).datasets.items()
    }
    assert sizes == {"digits": 600, "small": 400, "cifar10": 600}
    assert scaled(images_per_client=10_000).datasets["cifar10"]["train_size"] == 50_000


def test_arrows_keep_their_proportions():
    strategies = scaled(k=0.2).strategies
    assert [strategies[name].get("k") for name in WHOLE["strategies"][:1]] == [0.2]
    assert strategies["k-200"]["k"] == 0.16
    assert strategies["share"]["k"] == 0.4
    assert "k" not in strategies["random"]
    most = {"method": "ifal", "k": 2500}
    assert (
        0.99 < resolve({"strategies": [{"x": most}], "scale": {"k": 0.2}}).strategies["x"]["k"] < 1
    )


def test_too_few_images_are_told():
    with pytest.raises(InputError, match="train_size is 5, but must lie between 10"):
        resolve({"clients": [1], "scale": {"images_per_client": 5}})


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        ({"rounds": 0}, "scale.rounds is 0"),
        ({"seeds": 0}, "scale.seeds is 0"),
        ({"image_size": 4}, "scale.image_size is 4"),
        ({"k": 1}, "scale.k is 1"),
        ({"epochs": 1}, "no option 'epochs'"),
    ],
)
def test_mistakes_are_one_sentence(scale, words):
    with pytest.raises(InputError) as caught:
        scaled(**scale)
    assert words in str(caught.value)


def test_a_data_set_has_its_own_cycles():
    with pytest.raises(InputError, match=r"cycles_of names 'digts'.*did you mean 'digits'"):
        resolve({"labeling": {"cycles_of": {"digts": 1}}})
    resolve({"labeling": {"cycles_of": {"tiny_imagenet": 3}}})
    with pytest.raises(InputError, match="ask for 105%"):
        resolve({"labeling": {"initial": 0.1, "budget": 0.05, "cycles_of": {"digits": 19}}})


def test_a_file_is_extended_by_files_alone():
    with pytest.raises(InputError, match="not on the command line"):
        resolve({"extends": "paper.yaml"})
