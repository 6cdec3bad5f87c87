"""All clients' queries, and what is said of a strategy that breaks its contract."""

import csv
import json
import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fal.errors import InputError
from fal.query.clients import load_mean_reports, query_clients
from fal.query.pool import build_pools
from fal.query.strategies import STRATEGIES, create
from fal.query.strategies.base import Strategy
from fal.query.strategies.contract import example_data
from fal.rng import seed_for


def pools(**sizes):
    return list(build_pools(**example_data(clients=3, **sizes)))


def query(strategy, budget=5, files=(), **sizes):
    return query_clients(strategy, pools(**sizes), budget, 4, "mine", files)


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_client_is_scored_and_queried_on_its_own(name):
    strategy = create(name, **({"epochs": 2} if name.endswith("gcnal") else {}))
    found = query(strategy)
    assert list(found.queried.columns) == ["client", "index", "score"]
    for pool in pools():
        pool = replace(pool, mean_reports=found.mean_reports)
        scores = strategy.score(pool)
        kept = found.scores[found.scores["client"] == pool.client]
        assert kept["index"].tolist() == pool.index.tolist()
        assert list(kept.columns) == ["client", "index", *scores]
        for column, values in scores.items():
            np.testing.assert_array_equal(kept[column], np.asarray(values))
        seed = seed_for(4, "query", cycle=pool.cycle, client=pool.client)
        positions = strategy.select(pool, scores, 5, seed)
        queried = found.queried[found.queried["client"] == pool.client]
        assert queried["index"].tolist() == pool.index[positions].tolist()
        if scores:
            assert queried["score"].tolist() == np.asarray(scores["score"])[positions].tolist()
        else:
            assert queried["score"].isna().all()
        explained = {**strategy.report(pool), **strategy.explain(scores, 5)}
        assert found.explanations[pool.client] == explained


def test_what_is_saved_is_what_was_found(tmp_path):
    files = [f"class/ä {i}, \udcff.png" for i in range(3 * 72)]
    found = query(create("ifal", k=5), files=files)
    paths = [tmp_path / name for name in ("scores.parquet", "query.csv", "explanation.json")]
    found.save(*paths)
    scores = pd.read_parquet(paths[0])
    pd.testing.assert_frame_equal(scores, found.scores)
    with paths[1].open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["client", "index", "score", "file"]
    assert [row["file"] for row in rows] == [files[int(row["index"])] for row in rows]
    for column in ("client", "index", "score"):
        assert [float(row[column]) for row in rows] == found.queried[column].tolist()
    explanation = json.loads(paths[2].read_text())
    assert set(explanation) == {"clients"}
    assert set(explanation["clients"]) == {"0", "1", "2"}
    for client, explained in explanation["clients"].items():
        total = scores.loc[scores["client"] == int(client), ["total", "candidate"]]
        assert explained["route"] in ("otsu", "inter", "top")
        assert (total["candidate"] == (total["total"] > explained["threshold"])).all()


def test_without_files_there_is_no_such_column_and_a_small_pool_is_taken_whole():
    found = query(create("random"), budget=50, unlabeled=7)
    assert list(found.queried.columns) == ["client", "index", "score"]
    assert sorted(found.queried["index"]) == sorted(found.scores["index"])


def test_a_doubtful_option_is_warned_of_once_for_all_clients():
    assert query(create("ifal", k=58)).warnings == []
    (sentence,) = query(create("ifal", k=500)).warnings
    assert sentence.startswith("strategy 'mine': k is 500, but some client has")
    assert query(create("ifal", k=500), labeled=20).warnings == [sentence]


class Reporting(Strategy):
    """Clients report their number; the server's mean is every image's score."""

    def report(self, pool):
        return {"number": pool.client}

    def score(self, pool):
        return {"score": np.full(pool.size, self.reported(pool)["number"])}


def test_clients_are_told_the_mean_of_what_all_report(tmp_path):
    found = query(Reporting())
    assert found.mean_reports == {"number": 1.0}
    assert found.explanations == {k: {"number": k} for k in range(3)}
    assert (found.scores["score"] == 1).all()
    paths = [tmp_path / name for name in ("scores.parquet", "query.csv", "explanation.json")]
    found.save(*paths)
    assert load_mean_reports(paths[2]) == {"number": 1.0}
    later = query_clients(Reporting(), pools(), 5, 4, "mine", mean_reports={"number": 0.5})
    assert (later.scores["score"] == 0.5).all()
    assert later.explanations == found.explanations
    query(create("random")).save(*paths)
    assert load_mean_reports(paths[2]) == {}
    alone = pools()[2]
    assert set(Reporting().score(alone)["score"]) == {2}


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (lambda pool: [1.0], "report returned list, but must return a dict"),
        (lambda pool: {"x": np.nan}, "report returned 'x' as nan, but it must be finite"),
        (lambda pool: {"x": "many"}, "could not convert string to float"),
        (
            lambda pool: {"xy"[pool.client % 2]: 1},
            "client 1, cycle 2: report returned y, but another client's x; all must report the",
        ),
        (lambda pool: {} if pool.client else {"x": 1}, "report returned nothing, but another"),
    ],
)
def test_unusable_reports(monkeypatch, report, sentence):
    monkeypatch.setattr(Reporting, "report", lambda self, pool: report(pool))
    with pytest.raises(InputError, match=sentence):
        query(Reporting())


# What may be wrong with a strategy: each is one sentence.


class Scores(Strategy):
    """Returns what ``make`` makes of the pool's size."""

    make = staticmethod(np.arange)

    def score(self, pool):
        return self.make(pool.size)


class Picks(Strategy):
    """Returns what ``make`` makes of the budget and the pool's size."""

    make = staticmethod(np.arange)

    def pick(self, pool, scores, budget, seed):
        return self.make(budget, pool.size)


def fails_for_client_one(size):
    raise ValueError("mat1 and mat2\n cannot be multiplied")


def scores_with(**changes):
    def make(size):
        score = np.arange(size, dtype=float)
        score[list(map(int, changes["at"]))] = changes["value"]
        return {"score": score}

    return make


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            scores_with(at=[3, 7], value=np.nan),
            "score returned nan for 2 of 60 unlabeled images, but must return finite numbers",
        ),
        (scores_with(at=[0], value=np.inf), "score returned inf for 1 of 60 unlabeled images"),
        (scores_with(at=[0], value=-np.inf), "score returned -inf for 1 of 60 unlabeled images"),
        (
            lambda size: {"score": np.arange(size - 1)},
            "score returned 'score' of shape [59], but must return one value for each of 60 "
            "unlabeled images",
        ),
        (lambda size: {"score": 3.0}, "score returned 'score' of shape [],"),
        (
            lambda size: {"score": np.arange(size), "why": np.zeros((size, 2))},
            "score returned 'why' of shape [60, 2],",
        ),
        (lambda size: {"score": ["high"] * size}, "must return numbers"),
        (lambda size: {"score": range(size), "client": range(size)}, "'client', which is taken"),
        (np.arange, "score returned ndarray, but must return a dict"),
        (lambda size: {"depth": range(size)}, "score gave no column 'score' to pick by"),
        (
            fails_for_client_one,
            "failed (ValueError: mat1 and mat2 cannot be multiplied); the log has the traceback",
        ),
    ],
)
def test_unusable_scores(monkeypatch, make, sentence):
    monkeypatch.setattr(Scores, "make", staticmethod(make))
    with pytest.raises(InputError) as error:
        query(Scores())
    assert str(error.value).startswith("strategy 'mine', client 0, cycle 2")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda budget, size: [0] * budget,
        lambda budget, size: range(size, size + budget),
        lambda budget, size: range(-1, budget - 1),
        lambda budget, size: range(budget - 1),
        lambda budget, size: np.arange(size) < budget,
        lambda budget, size: np.arange(budget) + 0.5,
        lambda budget, size: np.arange(budget)[:, None],
        lambda budget, size: 3,
    ],
)
def test_unusable_positions(monkeypatch, make):
    monkeypatch.setattr(Picks, "make", staticmethod(make))
    with pytest.raises(InputError) as error:
        query(Picks())
    assert str(error.value).startswith("strategy 'mine', client 0, cycle 2: pick returned ")
    assert "but must return 5 positions from 0 to 59, none of them twice" in str(error.value)
    assert len(str(error.value)) < 250


def test_the_traceback_of_a_strategys_own_fault_is_logged(monkeypatch, caplog):
    monkeypatch.setattr(Picks, "make", staticmethod(lambda budget, size: {}["colour"]))
    with caplog.at_level(logging.INFO), pytest.raises(InputError, match="KeyError: 'colour'"):
        query(Picks())
    assert "Traceback" in caplog.text
    assert "strategy 'mine', client 0, cycle 2 failed" in caplog.text


def test_an_explanation_that_is_no_json_is_told():
    class Vague(Strategy):
        def score(self, pool):
            return {"score": range(pool.size)}

        def explain(self, scores, budget):
            return {"why": np.float32(1)}

    with pytest.raises(InputError, match=r"client 0, cycle 2 failed .TypeError: .*float32"):
        query(Vague())
