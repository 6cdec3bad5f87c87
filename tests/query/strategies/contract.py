"""The contract of a query strategy, as tests that every strategy inherits by naming itself.

    class TestMargin(StrategyContract):
        name = "g-margin"
        order_free = True

``name`` may be ``path/to/file.py:Class``. Needs nothing but ``workflow_scripts`` and ``tests`` on
the path, as pyproject.toml has them.
"""

import random
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch

from fal.errors import InputError
from fal.outputs import Outputs
from fal.query import strategies
from fal.query.pool import ROLES, build_pools

CYCLE = 2


def example_data(labeled=12, unlabeled=60, classes=4, dims=6, clients=2, seed=0):
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


def example_pool(client=1, change=None, **sizes):
    """A client's pool; ``change`` may edit the arguments of build_pools in place."""
    data = example_data(**sizes)
    if change:
        change(data)
    return list(build_pools(**data))[client]


def permuted(pool, order):
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
    options: ClassVar[dict] = {}
    order_free = False

    @property
    def strategy(self):
        return strategies.create(self.name, **self.options)

    def ask(self, pool, budget=7, seed=3):
        return self.strategy.select(pool, self.strategy.score(pool), budget, seed).tolist()

    def test_needs_are_roles(self):
        assert set(self.strategy.needs) <= set(ROLES)

    def test_an_unknown_option_is_an_input_error(self):
        with pytest.raises(InputError, match="has no option 'colour'"):
            strategies.create(self.name, **self.options, colour="red")

    def test_sees_no_more_than_it_needs(self):
        def hide(data):
            data["outputs"] = {r: data["outputs"][r] for r in self.strategy.needs}

        assert self.ask(example_pool(change=hide)) == self.ask(example_pool())

    def test_scores_are_one_finite_number_per_example(self):
        pool = example_pool()
        scores = self.strategy.score(pool)
        assert all(len(values) == pool.size for values in scores.values())
        assert not scores or torch.as_tensor(scores["score"]).isfinite().all()

    @pytest.mark.parametrize("budget", [0, 1, 7, 59, 60, 61, 1000])
    def test_asks_for_exactly_the_budget(self, budget):
        pool = example_pool()
        chosen = self.ask(pool, budget)
        assert len(set(chosen)) == len(chosen) == min(budget, pool.size)
        assert set(chosen) <= set(range(pool.size))

    @pytest.mark.parametrize("unlabeled", [1, 2, 3])
    def test_a_pool_smaller_than_the_budget_is_taken_whole(self, unlabeled):
        assert sorted(self.ask(example_pool(unlabeled=unlabeled), 5)) == list(range(unlabeled))

    def test_same_seed_same_answer_whatever_else_is_random(self):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
        first = self.ask(example_pool())
        random.seed(2), np.random.seed(2), torch.manual_seed(2)  # noqa: NPY002
        assert self.ask(example_pool()) == first

    def test_leaves_global_random_state_and_the_pool_alone(self):
        states = torch.get_rng_state(), np.random.get_state()[1], random.getstate()  # noqa: NPY002
        pool, same = example_pool(), example_pool()
        self.ask(pool)
        assert torch.equal(states[0], torch.get_rng_state())
        assert np.array_equal(states[1], np.random.get_state()[1])  # noqa: NPY002
        assert states[2] == random.getstate()
        for role, outputs in pool.outputs.items():
            assert torch.equal(outputs.features, same.outputs[role].features)
            assert torch.equal(outputs.logits, same.outputs[role].logits)

    def test_hidden_labels_do_not_matter(self):
        def permute_hidden(data):
            hidden = np.setdiff1d(np.arange(len(data["labels"])), data["labeled_index"])
            data["labels"] = data["labels"].copy()
            data["labels"][hidden] = np.random.default_rng(5).permutation(data["labels"][hidden])

        assert self.ask(example_pool(change=permute_hidden)) == self.ask(example_pool())

    def test_the_order_of_the_pool_does_not_matter(self):
        if not self.order_free:
            pytest.skip("random choices may depend on the order")
        pool = example_pool()
        order = np.random.default_rng(4).permutation(pool.size)
        shuffled = permuted(pool, order)
        assert set(shuffled.index[self.ask(shuffled)]) == set(pool.index[self.ask(pool)])

    def test_scores_survive_a_file(self, tmp_path):
        pool = example_pool()
        scores = self.strategy.score(pool)
        frame = pd.DataFrame({name: np.asarray(values) for name, values in scores.items()})
        frame.to_parquet(tmp_path / "scores.parquet")
        read = pd.read_parquet(tmp_path / "scores.parquet")
        assert list(read.columns) == list(scores)
        for again in (read, {name: read[name].to_numpy() for name in read}):
            chosen = self.strategy.select(pool, again, 7, 3)
            assert chosen.tolist() == self.strategy.select(pool, scores, 7, 3).tolist()

    def test_a_client_that_knows_one_class(self):
        def one_class(data):
            data["labels"] = np.full_like(data["labels"], 2)

        assert len(set(self.ask(example_pool(change=one_class)))) == 7

    def test_a_client_without_labels(self):
        assert len(set(self.ask(example_pool(labeled=0)))) == 7

    def test_identical_images(self):
        def one_image(data):
            data["outputs"] = {
                role: Outputs(out.features[:1].expand(144, -1), out.logits[:1].expand(144, -1))
                for role, out in data["outputs"].items()
            }

        assert len(set(self.ask(example_pool(change=one_image)))) == 7

    def test_features_without_direction(self):
        def blank(data):
            data["outputs"] = {
                role: Outputs(torch.zeros_like(out.features), out.logits)
                for role, out in data["outputs"].items()
            }

        assert len(set(self.ask(example_pool(change=blank)))) == 7

    def test_very_sure_models(self):
        def sharpen(data):
            data["outputs"] = {
                role: Outputs(out.features, 1e4 * out.logits)
                for role, out in data["outputs"].items()
            }

        assert len(set(self.ask(example_pool(change=sharpen)))) == 7

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_outputs_that_are_not_finite_name_client_and_cycle(self, bad):
        def break_it(data):
            for role in self.strategy.needs:
                data["outputs"][role].features[-1, 0] = bad

        if not self.strategy.needs:
            pytest.skip("looks at no model")
        with pytest.raises(InputError, match="client 1, cycle 2"):
            self.ask(example_pool(change=break_it))
