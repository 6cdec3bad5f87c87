"""The contract of a query strategy, as tests that every strategy inherits by naming itself.

    class TestMargin(StrategyContract):
        name = "g-margin"
        order_free = True

``name`` may be ``path/to/file.py:Class``. Imported by tests alone, as it needs pytest.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch

from fal.errors import InputError
from fal.outputs import Outputs
from fal.query.pool import Pool, build_pools
from fal.query.strategies import create
from fal.query.strategies.base import ROLES, Strategy, check_report, check_scores

CYCLE = 2


def example_data(
    labeled: int = 12,
    unlabeled: int = 60,
    classes: int = 4,
    dims: int = 6,
    clients: int = 2,
    seed: int = 0,
) -> dict[str, Any]:
    """Arguments of build_pools: clients of equal size whose models are right most of the time."""
    rng = np.random.default_rng(seed)
    size = clients * (labeled + unlabeled)
    client = rng.permutation(size) % clients
    labels = rng.integers(classes, size=size)
    index = [rng.choice(np.flatnonzero(client == k), labeled, False) for k in range(clients)]
    centers = rng.normal(size=(classes, dims))
    order = np.argsort(client, kind="stable")
    outputs = {}
    for role in ROLES:
        noise = rng.normal(size=(size, dims))
        features = np.maximum(centers[labels[order]] + 0.7 * noise, 0) + 0.01 * rng.random(dims)
        logits = features @ centers.T + 0.5 * rng.normal(size=(size, classes))
        outputs[role] = Outputs(*(torch.from_numpy(x).float() for x in (features, logits)))
    return {
        "client": client,
        "labeled_index": np.sort(np.concatenate(index)),
        "labels": labels,
        "num_classes": classes,
        "cycle": CYCLE,
        "outputs": outputs,
    }


def example_pool(
    client: int = 1, change: Callable[[dict[str, Any]], None] | None = None, **sizes: int
) -> Pool:
    """A client's pool; ``change`` may edit the arguments of build_pools in place."""
    data = example_data(**sizes)
    if change:
        change(data)
    return list(build_pools(**data))[client]


def permuted(pool: Pool, order: np.ndarray) -> Pool:
    """The same pool with its unlabeled examples in another order."""
    rows = np.concatenate([np.arange(pool.num_labeled), pool.num_labeled + order])
    outputs = {r: Outputs(out.features[rows], out.logits[rows]) for r, out in pool.outputs.items()}
    return type(pool)(
        client=pool.client,
        cycle=pool.cycle,
        num_classes=pool.num_classes,
        index=pool.index[order],
        labels=pool.labels,
        outputs=outputs,
    )


class StrategyContract:
    """What holds for every strategy.

    name, options: as in the configuration. order_free: whether the order of the pool does not
    matter to what is queried, as it does not where nothing is random.
    """

    name: str
    options: ClassVar[dict[str, Any]] = {}
    order_free = False

    @property
    def strategy(self) -> Strategy:
        return create(self.name, **self.options)

    def queried(self, pool: Pool, budget: int = 7, seed: int = 3) -> list[int]:
        return self.strategy.select(pool, self.strategy.score(pool), budget, seed).tolist()

    def test_needs_are_roles(self):
        assert set(self.strategy.needs) <= set(ROLES)

    def test_an_unknown_option_is_an_input_error(self):
        with pytest.raises(InputError, match="has no option 'colour'"):
            create(self.name, **self.options, colour="red")

    def test_sees_no_more_than_it_needs(self):
        def hide(data):
            data["outputs"] = {r: data["outputs"][r] for r in self.strategy.needs}

        assert self.queried(example_pool(change=hide)) == self.queried(example_pool())

    def test_scores_are_one_finite_number_per_example(self):
        pool = example_pool()
        scores = self.strategy.score(pool)
        assert list(check_scores(scores, pool.size)) == list(scores)
        assert not scores or "score" in scores

    def test_explanations_are_json_values_and_warnings_sentences(self):
        explanation = self.strategy.explain(self.strategy.score(example_pool()), 7)
        assert json.loads(json.dumps(explanation, allow_nan=False)) == explanation
        assert all(isinstance(sentence, str) for sentence in self.strategy.warnings(60, 7))

    def test_all_clients_report_the_same_finite_numbers(self):
        reports = [self.strategy.report(pool) for pool in build_pools(**example_data())]
        reports.append(self.strategy.report(example_pool(labeled=0)))
        assert check_report(reports[0], reports) == reports[0]
        assert all(check_report(report, ()) == report for report in reports)

    @pytest.mark.parametrize("budget", [0, 1, 7, 59, 60, 61, 1000])
    def test_queries_exactly_the_budget(self, budget):
        pool = example_pool()
        chosen = self.queried(pool, budget)
        assert len(set(chosen)) == len(chosen) == min(budget, pool.size)
        assert set(chosen) <= set(range(pool.size))

    @pytest.mark.parametrize("unlabeled", [1, 2, 3])
    def test_a_pool_smaller_than_the_budget_is_taken_whole(self, unlabeled):
        assert sorted(self.queried(example_pool(unlabeled=unlabeled), 5)) == list(range(unlabeled))

    def test_same_seed_same_queries_whatever_else_is_random(self):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
        first = self.queried(example_pool())
        random.seed(2), np.random.seed(2), torch.manual_seed(2)  # noqa: NPY002
        assert self.queried(example_pool()) == first

    def test_leaves_global_random_state_and_the_pool_alone(self):
        numpy_state = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
        states = torch.get_rng_state(), random.getstate()
        pool, same = example_pool(), example_pool()
        self.queried(pool)
        assert torch.equal(states[0], torch.get_rng_state())
        again = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
        assert np.array_equal(numpy_state, again)
        assert states[1] == random.getstate()
        for role, outputs in pool.outputs.items():
            assert torch.equal(outputs.features, same.outputs[role].features)
            assert torch.equal(outputs.logits, same.outputs[role].logits)

    def test_hidden_labels_do_not_matter(self):
        def permute_hidden(data):
            hidden = np.setdiff1d(np.arange(len(data["labels"])), data["labeled_index"])
            data["labels"] = data["labels"].copy()
            data["labels"][hidden] = np.random.default_rng(5).permutation(data["labels"][hidden])

        assert self.queried(example_pool(change=permute_hidden)) == self.queried(example_pool())

    def test_the_order_of_the_pool_does_not_matter(self):
        if not self.order_free:
            pytest.skip("random choices may depend on the order")
        pool = example_pool()
        order = np.random.default_rng(4).permutation(pool.size)
        shuffled = permuted(pool, order)
        assert set(shuffled.index[self.queried(shuffled)]) == set(pool.index[self.queried(pool)])

    def test_scores_survive_a_file(self, tmp_path):
        pool = example_pool()
        scores = self.strategy.score(pool)
        frame = pd.DataFrame({name: np.asarray(values) for name, values in scores.items()})
        frame.to_parquet(tmp_path / "scores.parquet")
        read = pd.read_parquet(tmp_path / "scores.parquet")
        assert list(read.columns) == list(scores)
        again = {name: read[name].to_numpy() for name in scores}
        chosen = self.strategy.select(pool, again, 7, 3)
        assert chosen.tolist() == self.strategy.select(pool, scores, 7, 3).tolist()

    def test_a_client_that_knows_one_class(self):
        def one_class(data):
            data["labels"] = np.full_like(data["labels"], 2)

        assert len(set(self.queried(example_pool(change=one_class)))) == 7

    def test_a_client_without_labels(self):
        assert len(set(self.queried(example_pool(labeled=0)))) == 7

    def test_identical_images(self):
        def one_image(data):
            data["outputs"] = {
                role: Outputs(out.features[:1].expand(144, -1), out.logits[:1].expand(144, -1))
                for role, out in data["outputs"].items()
            }

        assert len(set(self.queried(example_pool(change=one_image)))) == 7

    def test_features_without_direction(self):
        def blank(data):
            data["outputs"] = {
                role: Outputs(torch.zeros_like(out.features), out.logits)
                for role, out in data["outputs"].items()
            }

        assert len(set(self.queried(example_pool(change=blank)))) == 7

    def test_very_sure_models(self):
        def sharpen(data):
            data["outputs"] = {
                role: Outputs(out.features, 1e4 * out.logits)
                for role, out in data["outputs"].items()
            }

        assert len(set(self.queried(example_pool(change=sharpen)))) == 7

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_outputs_that_are_not_finite_name_client_and_cycle(self, bad):
        def break_it(data):
            for role in self.strategy.needs:
                data["outputs"][role].features[-1, 0] = bad

        if not self.strategy.needs:
            pytest.skip("looks at no model")
        with pytest.raises(InputError, match="client 1, cycle 2"):
            self.queried(example_pool(change=break_it))
