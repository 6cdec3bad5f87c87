"""Every strategy, and every kind of ablation of IFAL, keeps the contract."""

from typing import ClassVar

import pytest

from fal.query.strategies import STRATEGIES, create
from fal.query.strategies.contract import StrategyContract

ORDER_FREE = ("entropy", "margin", "least-confidence", "coreset", "kafal", "fairfal")

ABLATIONS = [
    {"inconsistency": "inter"},
    {"inconsistency": "intra"},
    {"inconsistency": "none"},
    {"diversity": False},
    {"top_fraction": 0.2},
    {"distilled": False},
    {"pseudo_labels": "local"},
    {"k": 5},
    {"k": 0.05},
    {"smoothing": 0.0},
    {"smoothing": 0.0, "divergence": "kl"},
    {"divergence": "js"},
    {"ground": "discrete"},
    {"ground": "index"},
    {"ground": "prototype"},
]


@pytest.fixture(params=list(STRATEGIES))
def method(request):
    return request.param


class TestBuiltIn(StrategyContract):
    @pytest.fixture(autouse=True)
    def _choose(self, method):
        self.name = method
        self.options = {"epochs": 5} if method.endswith("gcnal") else {}
        self.order_free = method.endswith(ORDER_FREE)


class TestAblation(StrategyContract):
    name = "ifal"

    @pytest.fixture(autouse=True, params=ABLATIONS, ids=str)
    def _choose(self, request):
        self.options = request.param
        self.order_free = request.param == {"diversity": False}


class TestUsersOwn(StrategyContract):
    name = "examples/own_strategy.py:Disagreement"
    options: ClassVar = {"temperature": 2.0}
    order_free = True


def test_no_strategy_is_missing():
    families = ("entropy", "margin", "least-confidence", "coreset", "badge", "gcnal", "typiclust")
    expected = {"random", "local-only", "kafal", "logo", "ifal", "ifal-balanced", "fairfal"}
    expected |= {f"{role}-{family}" for role in "lg" for family in families}
    assert set(STRATEGIES) == expected


def test_a_prefix_says_whose_outputs_are_used():
    for name in STRATEGIES:
        if name[:2] in ("l-", "g-"):
            assert create(name).needs == ({"l": "local", "g": "global"}[name[0]],)
