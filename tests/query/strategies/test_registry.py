"""Making strategies from names and options, and what may go wrong."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fal.errors import InputError
from fal.query.strategies import METHODS, create
from fal.query.strategies.base import Strategy
from query.strategies.contract import example_pool

OWN = """
from dataclasses import dataclass
from fal.query.strategies.base import Strategy

@dataclass(frozen=True, kw_only=True)
class Last(Strategy):
    width: int

    def score(self, pool):
        return {"score": range(pool.size)}

class Twice(Strategy):
    def pick(self, pool, scores, budget, seed):
        return [0] * budget

class Beyond(Strategy):
    def pick(self, pool, scores, budget, seed):
        return range(pool.size, pool.size + budget)

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
        ("entropy", {}, "did you mean 'l-entropy'?|did you mean 'g-entropy'?"),
        ("ifal", {"kk": 3}, "strategy 'ifal' has no option 'kk'; did you mean 'k'?"),
        ("g-margin", {"role": "local"}, "strategy 'g-margin' has no option 'role'; it has none"),
        ("random", {"k": 3}, "strategy 'random' has no option 'k'; it has none"),
        ("kafal", {"training": "kfcu"}, "training 'kfcu' is unknown; did you mean 'kcfu'?"),
        ("ifal", {"ground": "valeus"}, "ground 'valeus' is unknown; did you mean 'values'?"),
        ("ifal", {"divergence": 3}, "divergence '3' is unknown; known are js, kl, wasserstein"),
        ("ifal", {"inconsistency": "both"}, "inconsistency 'both' is unknown"),
        ("ifal", {"pseudo_labels": "kd"}, "pseudo_labels 'kd' is unknown"),
        ("ifal", {"k": 0}, "strategy 'ifal': k '0' will not do; use a number above 0"),
        ("ifal", {"k": 2.5}, "k '2.5' will not do; use a whole number of at least 1"),
        ("ifal", {"k": "many"}, "k 'many' will not do; use a number above 0"),
        ("ifal", {"k": True}, "k 'True' will not do"),
        ("ifal", {"smoothing": -1}, "smoothing '-1' will not do; use a number of at least 0"),
        ("ifal", {"top_fraction": 1.5}, "use a number above 0 and at most 1"),
        ("ifal", {"eps": 0}, "eps '0' will not do"),
        ("ifal", {"diversity": "no"}, "diversity 'no' is not a truth value; use true or false"),
        ("l-gcnal", {"subset": 0}, "strategy 'l-gcnal': subset '0' will not do"),
    ],
)
def test_bad_names_and_options(name, options, message):
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        create(name, **options)


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


@pytest.mark.parametrize("kind", ["Twice", "Beyond"])
def test_a_strategy_that_breaks_the_contract_is_stopped(own, kind):
    with pytest.raises(RuntimeError, match=f"{kind}.pick must return 3 distinct positions"):
        create(f"{own}:{kind}").select(example_pool(), {}, 3, 0)


def test_the_default_takes_the_highest_scores_ties_by_position():
    pool = example_pool(unlabeled=5)
    chosen = Strategy().select(pool, {"score": torch.tensor([1.0, 3, 2, 3, 2])}, 3, 0)
    assert chosen.tolist() == [1, 3, 2]


def test_who_ranks_by_score_needs_no_outputs_to_pick():
    ranking = [name for name in METHODS if create(name).needs and not create(name).needs_to_pick]
    kinds = ("entropy", "margin", "least-confidence")
    assert sorted(ranking) == sorted(f"{role}-{kind}" for role in "lg" for kind in kinds)
    pool = example_pool()
    for name in ranking:
        strategy = create(name)
        scores = strategy.score(pool)
        blind = replace(pool, outputs={})
        assert strategy.select(blind, scores, 3, 0).tolist() == (
            strategy.select(pool, scores, 3, 0).tolist()
        )


def test_asking_for_needs_does_not_import_torch():
    code = (
        "import sys; from fal.query.strategies import METHODS, create\n"
        "for name in METHODS: strategy = create(name); strategy.needs, strategy.training\n"
        "create('examples/disagreement.py:Disagreement').needs\n"
        "assert not {'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)"
    )
    root = Path(__file__).parents[3]
    path = {"PYTHONPATH": str(root / "workflow_scripts")}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env=path)


def test_only_kafal_changes_the_training():
    assert {create(name).training for name in METHODS} == {"common"}
    assert create("kafal", training="kcfu").training == "kcfu"
