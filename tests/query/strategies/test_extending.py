"""docs/extending.md: what it shows is what there is, and works."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from fal.query.strategies import create
from fal.query.strategies.contract import StrategyContract, example_pool

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "extending.md").read_text()
EXAMPLE = ROOT / "examples" / "disagreement.py"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_is_shown_as_it_is():
    assert blocks("python")[0] == EXAMPLE.read_text()


def test_the_configuration_makes_strategies(monkeypatch):
    monkeypatch.chdir(ROOT)
    temperatures = []
    for item in yaml.safe_load(blocks("yaml")[0])["strategies"][1:]:
        options = dict(*item.values())
        temperatures.append(create(options.pop("method"), **options).temperature)
    assert temperatures == [1, 4]


def test_the_test_is_a_contract_test():
    names = {}
    exec(blocks("python")[1], names)
    assert issubclass(names["TestDisagreement"], StrategyContract)
    assert names["TestDisagreement"].name == "examples/disagreement.py:Disagreement"


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_example_against_scipy(temperature):
    pool = example_pool()
    strategy = create(f"{EXAMPLE}:Disagreement", temperature=temperature)
    p, q = (softmax(pool.logits(role).numpy() / temperature, 1) for role in ("global", "local"))
    expected = [jensenshannon(a, b) ** 2 for a, b in zip(p, q, strict=True)]
    scores = strategy.score(pool)
    np.testing.assert_allclose(scores["score"], expected, atol=1e-5)
    chosen = strategy.select(pool, scores, 5, 0).tolist()
    assert chosen == np.argsort(-scores["score"].numpy(), kind="stable")[:5].tolist()
