"""The round loop: rates, evaluation, history, checkpoints, what is told on the way."""

import logging
import math

import pytest
import torch

from fal.errors import InputError
from fal.federated import algorithms
from fal.federated.checkpoint import Checkpoint
from fal.federated.options import Training
from fal.federated.rounds import doubtful_loss, summarize, train_rounds, write_history
from federated.cohorts import Killed, KilledAfter, equal, fresh, make_cohort, train


class Recorded:
    """An algorithm that notes what it is asked for; its only weight counts the rounds."""

    tested = "global"

    def __init__(self, losses=()):
        self.calls, self.losses = [], losses

    def init(self, weights, num_clients):
        return {"global": {"w": torch.zeros(1, 1)}, "local": {"w": torch.zeros(num_clients, 1)}}

    def apply(self, state, cohort, clients, round_index, learning_rate):
        self.calls.append((round_index, learning_rate, clients))
        loss = self.losses[round_index] if self.losses else 1 / (1 + round_index)
        new = {**state, "global": {"w": state["global"]["w"] + 1}}
        return new, {"loss": torch.full((len(clients),), loss)}


class Told:
    """A progress that keeps what it is told."""

    def __init__(self):
        self.made, self.updates, self.closed = None, [], False

    def __call__(self, unit, total, done):
        self.made = unit, total, done
        return self

    def update(self, done, **numbers):
        self.updates.append((done, numbers))

    def close(self):
        self.closed = True


def count_rounds(weights):
    return 10 * weights["w"].item()


def run(training, recorded=None, **more):
    cohort = make_cohort()
    recorded = recorded or Recorded()
    return train_rounds(recorded, cohort, training, fresh(cohort), count_rounds, **more)


def test_each_round_has_its_rate_and_participants():
    training = Training(rounds=8, learning_rate=0.1, participation=0.67)
    recorded, cohort = Recorded(), make_cohort()
    _, history = run(training, recorded)
    expected = [
        (r, training.rate(r), training.participants(3, cohort.seed, cohort.cycle, r))
        for r in range(8)
    ]
    assert recorded.calls == expected
    assert [row["learning_rate"] for row in history] == [training.rate(r) for r in range(8)]
    assert [row["round"] for row in history] == list(range(1, 9))
    assert history[3]["train_loss"] == pytest.approx(0.25)


@pytest.mark.parametrize(("every", "tested"), [(0, [5]), (2, [2, 4, 5]), (1, [1, 2, 3, 4, 5])])
def test_the_global_model_is_tested_as_the_policy_says(every, tested):
    _, history = run(Training(rounds=5, evaluate_every=every))
    assert [row["round"] for row in history if not math.isnan(row["accuracy"])] == tested
    assert history[-1]["accuracy"] == 50


def test_progress_tells_of_every_round_and_is_closed():
    told = Told()
    run(Training(rounds=3), progress=told)
    assert told.made == ("round", 3, 0)
    assert [done for done, _ in told.updates] == [1, 2, 3]
    assert told.updates[1][1] == {"loss": 0.5}
    assert told.closed


def test_a_killed_training_goes_on_where_it_was(tmp_path):
    training = Training(rounds=6, evaluate_every=1)
    with pytest.raises(Killed):
        run(
            training,
            checkpoint=Checkpoint(tmp_path / "state", {"a": 1}, 0),
            progress=KilledAfter(4),
        )
    recorded, told = Recorded(), Told()
    _, history = run(
        training, recorded, checkpoint=Checkpoint(tmp_path / "state", {"a": 1}, 0), progress=told
    )
    assert [call[0] for call in recorded.calls] == [4, 5]
    assert told.made == ("round", 6, 4)
    assert history == run(training)[1]


def test_a_damaged_checkpoint_costs_a_line_and_a_new_start(tmp_path, caplog):
    cohort = make_cohort()
    whole, _ = train(algorithms.create("fedavg"), cohort)
    checkpoint = Checkpoint(tmp_path / "state", {"a": 1}, 0)
    train(algorithms.create("fedavg"), cohort, checkpoint=checkpoint)
    content = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(content[: len(content) // 2])
    with caplog.at_level(logging.WARNING):
        state, history = train(algorithms.create("fedavg"), cohort, checkpoint=checkpoint)
    assert len(caplog.records) == 1
    assert "starting anew" in caplog.text
    assert "\n" not in caplog.records[0].getMessage()
    assert equal(state["global"], whole["global"])
    assert len(history) == 2


def test_a_checkpoint_of_another_algorithm_is_not_used(tmp_path, caplog):
    cohort = make_cohort()
    train(
        algorithms.create("fedavg"), cohort, checkpoint=Checkpoint(tmp_path / "state", {"a": 1}, 0)
    )
    checkpoint = Checkpoint(tmp_path / "state", {"a": 1}, 0)
    state, history = train(algorithms.create("scaffold"), cohort, checkpoint=checkpoint)
    assert "another algorithm" in caplog.text
    assert "server" in state
    assert [row["round"] for row in history] == [1, 2]


def test_a_diverged_training_names_cycle_and_round():
    with pytest.raises(InputError, match=r"training has diverged in cycle 2, round 3: .*rate"):
        run(Training(rounds=5), Recorded([1.0, 9.0, math.nan, math.nan, math.nan]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_diverge_in_the_very_last_step_are_told(value):
    class LastStep(Recorded):
        def apply(self, state, cohort, clients, round_index, learning_rate):
            new, diagnostics = super().apply(state, cohort, clients, round_index, learning_rate)
            return {**new, "global": {"w": new["global"]["w"] * value}}, diagnostics

    with pytest.raises(InputError, match="diverged in cycle 2, round 1: its loss or its weights"):
        run(Training(rounds=1), LastStep())


def test_a_real_training_at_an_absurd_rate_is_told():
    with pytest.raises(InputError, match="training has diverged in cycle 2"):
        train(algorithms.create("fedavg"), make_cohort(), 5, learning_rate=1e30)


@pytest.mark.parametrize(
    ("loss", "doubtful"), [(2.3, False), (23.0, False), (23.1, True), (math.inf, True)]
)
def test_a_loss_far_above_guessing_is_doubtful(loss, doubtful):
    sentence = doubtful_loss([{"train_loss": 1.0}, {"train_loss": loss}], num_classes=10)
    assert (sentence is not None) == doubtful
    if sentence:
        assert "learning_rate is too high" in sentence


def rows(*accuracies):
    return [{"round": r, "accuracy": a} for r, a in enumerate(accuracies, start=1)]


def test_the_summary_has_the_mean_of_the_last_five_rounds():
    result = summarize(rows(1.0, 60.0, 70.0, 80.0, 90.0, 50.0), labeled=30, images=120)
    assert result == {
        "accuracy": 50.0,
        "accuracy_last5": 70.0,
        "labeled": 30,
        "labeled_fraction": 0.25,
    }


@pytest.mark.parametrize(
    "accuracies", [(60.0, 70.0, 80.0, 90.0), (1.0, math.nan, 70.0, 80.0, 90.0, 50.0)]
)
def test_there_is_no_mean_of_five_rounds_unless_each_was_tested(accuracies):
    result = summarize(rows(*accuracies), 1, 1)
    assert result["accuracy_last5"] is None
    assert result["accuracy"] == accuracies[-1]


def test_the_history_is_written_as_a_table(tmp_path):
    history = [
        {"round": 1, "learning_rate": 0.01, "train_loss": 1 / 3, "accuracy": math.nan},
        {"round": 2, "learning_rate": 1e-3, "train_loss": 12.0, "accuracy": 98.7},
    ]
    write_history(tmp_path / "metrics.csv", history)
    assert (tmp_path / "metrics.csv").read_text() == (
        "round,learning_rate,train_loss,accuracy\n"
        "1,0.010000,0.333333,\n"
        "2,0.001000,12.000000,98.700000\n"
    )
