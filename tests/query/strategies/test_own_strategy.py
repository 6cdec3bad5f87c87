"""docs/extending.md shows what there is; a strategy of one's own works from any folder."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from fal.data import oracles, partitions
from fal.errors import InputError
from fal.query.clients import query_clients
from fal.query.pool import build_pools
from fal.query.strategies import create
from fal.query.strategies.contract import StrategyContract, example_data, example_pool
from fal.resolve import resolve

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "extending.md").read_text()
EXAMPLES = ROOT / "examples"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("own_*.py")), ids=lambda path: path.name)
def test_examples_are_shown_as_they_are(example):
    assert example.read_text() in blocks("python")
    assert f"[examples/{example.name}](../examples/{example.name})" in PAGE


def test_the_configuration_makes_strategies(monkeypatch):
    monkeypatch.chdir(ROOT)
    temperatures = []
    for item in yaml.safe_load(blocks("yaml")[0])["strategies"][1:]:
        options = dict(*item.values())
        temperatures.append(create(**options).temperature)
    assert temperatures == [1, 4]


def test_the_configuration_of_the_other_examples_is_valid(monkeypatch):
    monkeypatch.chdir(ROOT)
    given = yaml.safe_load(blocks("yaml")[1])
    settings = resolve(given)
    for section, (entry,) in given.items():
        (name,) = entry
        assert entry[name].items() <= getattr(settings, section)[name].items()


def test_the_partition_and_the_oracle_do_as_they_say(monkeypatch):
    monkeypatch.chdir(ROOT)
    settings = resolve(yaml.safe_load(blocks("yaml")[2]))
    labels = np.arange(1000) % 10
    parts = partitions.create(**settings.partition).divide(labels, clients=5, seed=1)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(1000))
    sizes = [len(part) for part in parts]
    assert np.allclose(np.divide(sizes[1:], sizes[:-1]), 0.7, atol=0.02)
    digits = [str(digit) for digit in range(10)]
    oracle = oracles.create(**settings.oracle)
    answers = oracle.label(labels, digits, seed=1)
    assert set(answers[labels == 7]) == {1}
    assert np.array_equal(answers[labels != 7], labels[labels != 7])
    with pytest.raises(InputError, match="there is no class '7' among a, b"):
        oracle.label(labels, ["a", "b"], seed=1)


def test_the_test_that_is_shown_runs_outside_the_repository(tmp_path):
    (shown,) = (block for block in blocks("python") if "StrategyContract" in block)
    (tmp_path / "examples").mkdir()
    example = "examples/own_strategy.py"
    (tmp_path / example).write_text((ROOT / example).read_text())
    (tmp_path / "test_mine.py").write_text(shown)
    assert issubclass(_executed(shown)["TestDisagreement"], StrategyContract)
    command = [sys.executable, "-m", "pytest", "-q", "-k", "budget or json", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def _executed(code):
    names = {}
    exec(code, names)
    return names


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_example_against_scipy(temperature):
    pool = example_pool()
    strategy = create(f"{EXAMPLES}/own_strategy.py:Disagreement", temperature=temperature)
    p, q = (softmax(pool.logits(role).numpy() / temperature, 1) for role in ("global", "local"))
    expected = [jensenshannon(a, b) ** 2 for a, b in zip(p, q, strict=True)]
    scores = strategy.score(pool)
    np.testing.assert_allclose(scores["score"], expected, atol=1e-5)
    chosen = strategy.select(pool, scores, 5, 0).tolist()
    assert chosen == np.argsort(-scores["score"].numpy(), kind="stable")[:5].tolist()


OWN = '''
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from fal.query.strategies.base import Strategy
from fal.rng import numpy_generator


@dataclass(frozen=True, kw_only=True)
class Mixed(Strategy):
    """Every second query by least confidence, the others at random."""

    role: Literal["global", "local"] = "global"
    """Whose confidence."""
    every: Annotated[int, Ge(1)]
    """One in so many queries is taken by score."""

    @property
    def needs(self):
        return (self.role,)

    def score(self, pool):
        return {"score": 1 - pool.probabilities(self.role).amax(1)}

    def pick(self, pool, scores, budget, seed):
        best = np.argsort(-scores["score"], kind="stable")[: -(-budget // self.every)]
        others = np.setdiff1d(np.arange(pool.size), best)
        drawn = numpy_generator(seed, "mixed").permutation(others)[: budget - len(best)]
        return [*best, *drawn]

    def explain(self, scores, budget):
        return {"by_score": -(-budget // self.every)}

    def warnings(self, unlabeled, budget):
        return [] if self.every <= budget else [f"every is {self.every}, more than the budget"]
'''


def test_a_strategy_from_a_folder_of_the_users(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OWN)
    strategy = create(method="mine.py:Mixed", role="local", every=3)
    pools = list(build_pools(**example_data()))
    found = query_clients(strategy, pools, 7, 5, "mixed")
    assert found.explanations == {0: {"by_score": 3}, 1: {"by_score": 3}}
    assert found.warnings == []
    for pool in pools:
        queried = found.queried[found.queried["client"] == pool.client]
        assert len(set(queried["index"])) == 7
        confidence = softmax(pool.logits("local").numpy(), 1).max(1)
        assert queried["index"].tolist()[:3] == pool.index[np.argsort(confidence)[:3]].tolist()
    seldom = create(method="mine.py:Mixed", every=8)
    assert query_clients(seldom, pools, 7, 5, "mixed").warnings == [
        "strategy 'mixed': every is 8, more than the budget"
    ]
