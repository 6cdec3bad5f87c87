"""Checkpoints come back as they were saved, to the job that saved them and to no other."""

import math

import torch

from fal.federated.checkpoint import Checkpoint

STATE = {"global": {"w": torch.randn(1, 3)}, "local": {"w": torch.randn(4, 3)}}
HISTORY = [
    {"round": 1, "train_loss": 0.1, "accuracy": math.nan},
    {"round": 2, "train_loss": 1 / 3, "accuracy": 98.7},
]


def test_state_and_history_come_back_exactly(tmp_path):
    Checkpoint(tmp_path, ("a", 1), 0).save(STATE, HISTORY)
    state, history = Checkpoint(tmp_path, ("a", 1), 0).load()
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[part]["w"], STATE[part]["w"]) for part in STATE)
    assert math.isnan(history[0].pop("accuracy"))
    assert history == [{"round": 1, "train_loss": 0.1}, HISTORY[1]]
    assert isinstance(history[0]["round"], int)


def test_another_key_or_changed_file_finds_nothing(tmp_path):
    file = tmp_path / "labeled.npz"
    file.write_bytes(b"one")
    Checkpoint(tmp_path, ("a", file), 0).save(STATE, HISTORY)
    assert Checkpoint(tmp_path, ("b", file), 0).load() is None
    assert Checkpoint(tmp_path, ("a", file), 0).load() is not None
    file.write_bytes(b"two")
    assert Checkpoint(tmp_path, ("a", file), 0).load() is None


def test_nothing_is_saved_before_it_is_time(tmp_path):
    early = Checkpoint(tmp_path, ("a",), 3600)
    early.save(STATE, HISTORY)
    assert early.load() is None


def test_removing_leaves_nothing_of_any_key(tmp_path):
    for key in "ab":
        Checkpoint(tmp_path, (key,), 0).save(STATE, HISTORY)
    Checkpoint(tmp_path, ("a",), 0).remove()
    assert list(tmp_path.iterdir()) == []
