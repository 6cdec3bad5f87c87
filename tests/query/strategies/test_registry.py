"""Making strategies from names and options, and what may go wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fal.errors import InputError
from fal.query.strategies import STRATEGIES, create
from fal.query.strategies.base import Strategy
from fal.query.strategies.contract import example_pool

OWN = """
from dataclasses import dataclass
from fal.query.strategies.base import Strategy

@dataclass(frozen=True, kw_only=True)
class Last(Strategy):
    width: int

    def score(self, pool):
        return {"score": range(pool.size)}

class Text(Strategy):
    needs = "global"

class Unknown(Strategy):
    needs = ("teacher",)

class Number(Strategy):
    needs = 3

class Other:
    pass
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ifl", {}, "strategy 'ifl' is unknown; did you mean 'ifal'?"),
        ("entropy", {}, "-entropy'?"),
        ("ifal", {"kk": 3}, "strategy 'ifal' has no option 'kk'; did you mean 'k'?"),
        ("g-margin", {"role": "local"}, "strategy 'g-margin' has no option 'role'; it has none"),
        ("random", {"k": 3}, "strategy 'random' has no option 'k'; it has none"),
        (
            "kafal",
            {"training": "kfcu"},
            'training is "kfcu", which is unknown; did you mean \'kcfu',
        ),
        ("ifal", {"ground": "valeus"}, 'ground is "valeus", which is unknown; did you mean'),
        ("ifal", {"divergence": 3}, "divergence is 3, but must be one of wasserstein, kl, js"),
        ("ifal", {"inconsistency": "both"}, 'inconsistency is "both", which is unknown; known are'),
        ("ifal", {"pseudo_labels": "kd"}, "pseudo_labels is "),
        ("ifal", {"k": 0}, "strategy 'ifal': k is 0, but must be a whole number from 1 up or a"),
        ("ifal", {"k": 2.5}, "strategy 'ifal': k is 2.5, but must be a whole number from 1 up or"),
        ("ifal", {"k": "many"}, 'k is "many", but must be a whole number from 1 up or a fraction'),
        ("ifal", {"k": True}, "k is true, but must be a whole number"),
        ("ifal", {"k": "0,2"}, "write 0.2, without quotes and with a point"),
        ("ifal", {"smoothing": -1}, "smoothing is -1, but must be a number of at least 0"),
        ("ifal", {"top_fraction": 1.5}, "top_fraction is 1.5, but must be a number above 0 and at"),
        ("ifal", {"eps": 0}, "eps is 0, but must be a number above 0"),
        ("ifal", {"diversity": "no"}, 'diversity is "no", but must be true or false'),
        ("l-gcnal", {"subset": 0}, "subset is 0, but must be a whole number of at least 1"),
        ("l-gcnal", {"epochs": 1.5}, "epochs is 1.5, but must be a whole number of at least 1"),
    ],
)
def test_bad_names_and_options(name, options, message):
    with pytest.raises(InputError) as error:
        create(name, **options)
    assert message in str(error.value)


def test_a_users_file(own):
    strategy = create(f"{own}:Last", width=2)
    assert strategy.width == 2
    assert create(f"{own}:Last", width=2) == strategy


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("Last", {}, "needs the option 'width'"),
        ("Last", {"widht": 1}, "did you mean 'width'"),
        ("First", {}, "has no class 'First' made from Strategy"),
        ("Other", {}, "has no class 'Other' made from Strategy"),
    ],
)
def test_bad_classes_in_a_users_file(own, kind, options, message):
    with pytest.raises(InputError, match=message):
        create(f"{own}:{kind}", **options)


@pytest.mark.parametrize(
    ("code", "message"), [("class Own(:", "SyntaxError"), ("import nowhere", "No module named")]
)
def test_a_users_file_that_cannot_be_loaded(tmp_path, code, message):
    path = tmp_path / "broken.py"
    path.write_text(code)
    with pytest.raises(InputError, match=f"broken.py' cannot be loaded.*{message}"):
        create(f"{path}:Own")


def test_a_users_file_that_is_not_there():
    with pytest.raises(InputError, match=r"there is no file '/nowhere/own\.py'"):
        create("/nowhere/own.py:Last")


@pytest.mark.parametrize(
    ("kind", "needs"), [("Text", '"global"'), ("Unknown", '["teacher"]'), ("Number", "3")]
)
def test_needs_are_checked_when_a_strategy_is_made(own, kind, needs):
    sentence = f"strategy '{own}:{kind}': needs is {needs}, but must be a tuple of models, any of "
    with pytest.raises(InputError) as error:
        create(f"{own}:{kind}")
    assert str(error.value) == f"{sentence}global, local, kd"


def test_the_default_takes_the_highest_scores():
    pool = example_pool(unlabeled=5)
    chosen = Strategy().select(pool, {"score": torch.tensor([1.0, 3, 2, 4, 2])}, 3, 0).tolist()
    assert chosen in ([3, 1, 2], [3, 1, 4])


def test_asking_for_needs_does_not_import_torch():
    code = (
        "import sys; from fal.query.strategies import STRATEGIES, create\n"
        "for one in map(create, STRATEGIES): one.needs, one.training, one.figures\n"
        "create('examples/own_strategy.py:Disagreement').needs\n"
        "assert not {'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_options_need_no_registry():
    """A strategy made in code is the one that its name and options make."""
    from fal.query.strategies.ifal import IFAL

    assert IFAL(k=5, diversity=False) == create("ifal", k=5, diversity=False)
    with pytest.raises(InputError, match=r"k is 2\.5"):
        IFAL(k=2.5)


def test_every_option_is_explained():
    for name in STRATEGIES:
        for option, part in STRATEGIES.options_of(name).items():
            assert part.get("description"), f"{name}.{option}"


def test_only_kafal_and_local_only_change_the_training():
    changing = {name for name in STRATEGIES if create(name).training != "common"}
    assert changing == {"local-only"}
    assert create("local-only").training == "local"
    assert create("kafal", training="kcfu").training == "kcfu"
