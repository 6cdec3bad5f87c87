"""Clients that took part in no round: what stands in for their local model."""

import numpy as np
import pytest

from fal.federated import algorithms, evaluation, models, rounds
from fal.federated.algorithms import ALGORITHMS
from fal.federated.options import Training
from fal.query import strategies
from fal.query.clients import query_clients
from fal.query.pool import build_pools
from federated.cohorts import CLASSES, equal, fresh, make_cohort

CLIENTS = 4
TRAINING = Training(rounds=2, learning_rate=0.05, participation=0.5)


def trained(algorithm, seed):
    """A cohort of four clients and the state that training half of them in each round leaves."""
    cohort = make_cohort((8,) * CLIENTS, seed=seed)
    made = algorithms.create(algorithm)
    return cohort, rounds.train_rounds(made, cohort, TRAINING, fresh(cohort), lambda w: 0.0)[0]


@pytest.fixture(scope="module")
def seed():
    """A seed with clients that never take part and others that do."""
    absent = {seed: TRAINING.never_trained(CLIENTS, seed, 2) for seed in range(20)}
    return next(seed for seed, clients in absent.items() if len(clients) == 1)


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_the_global_model_stands_in_for_a_client_that_was_never_trained(algorithm, seed):
    cohort, state = trained(algorithm, seed)
    (absent,) = TRAINING.never_trained(CLIENTS, cohort.seed, cohort.cycle)
    local = rounds.local_models(state, [absent])
    assert equal(models.row(state["local"], absent), fresh(cohort))
    assert equal(models.row(local, absent), state["global"])
    for k in set(range(CLIENTS)) - {absent}:
        assert equal(models.row(local, k), models.row(state["local"], k))
        assert not equal(models.row(local, k), state["global"])


def test_where_all_took_part_nothing_changes(seed):
    _, state = trained("fedavg", seed)
    assert equal(rounds.local_models(state, []), state["local"])


def test_such_a_client_is_queried_with_the_global_model_and_it_is_told(seed):
    cohort, state = trained("fedavg", seed)
    never = TRAINING.never_trained(CLIENTS, cohort.seed, cohort.cycle)
    client = np.arange(len(cohort.images)) % CLIENTS
    weights = {"global": state["global"], "local": rounds.local_models(state, never)}
    outputs = {
        role: evaluation.outputs_of_clients(cohort.stacks.get(1), its, cohort.images, client)
        for role, its in weights.items()
    }
    labeled = np.arange(0, len(cohort.images), 7)

    def query(name):
        labels = cohort.labels.numpy()
        pools = build_pools(client, labeled, labels, CLASSES, cohort.cycle, outputs)
        strategy = strategies.create(name)
        return query_clients(strategy, pools, 3, cohort.seed, name, never_trained=never)

    by_local, by_global = query("l-entropy"), query("g-entropy")
    for k in range(CLIENTS):
        tables = (by_local.scores, by_global.scores)
        local, overall = (table.loc[table["client"] == k, "score"] for table in tables)
        assert (local == overall).all() == (k in never)
        assert by_local.explanations[k] == ({"local_model": "global"} if k in never else {})
    assert not any(by_global.explanations.values())
