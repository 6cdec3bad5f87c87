"""Checkpoints come back as they were saved, to the job that saved them and to no other."""

import json
import math

import pytest
import torch
from safetensors import safe_open

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


def test_a_checkpoint_is_due_only_after_its_time(tmp_path):
    assert not Checkpoint(tmp_path, ("a",), 3600).due
    soon = Checkpoint(tmp_path, ("a",), 0)
    assert soon.due
    soon.every = 3600
    soon.save(STATE, HISTORY)
    assert not soon.due


def test_the_record_is_text_that_anybody_can_read(tmp_path):
    checkpoint = Checkpoint(tmp_path, ("a",), 0)
    checkpoint.save(STATE, HISTORY)
    with safe_open(checkpoint.path, "pt") as file:
        record = json.loads(file.metadata()["record"])
        assert set(file.keys()) == {"global/w", "local/w"}
    assert record[1] == HISTORY[1]


def no_bytes(content):
    return b""


def half(content):
    return content[: len(content) // 2]


def noise(content):
    return b"\xff" * len(content)


def other_header(content):
    return content.replace(b'"record"', b'"recorb"')


@pytest.mark.parametrize("damage", [no_bytes, half, noise, other_header])
def test_a_damaged_file_is_a_line_in_the_log(tmp_path, caplog, damage):
    checkpoint = Checkpoint(tmp_path, ("a",), 0)
    checkpoint.save(STATE, HISTORY)
    checkpoint.path.write_bytes(damage(checkpoint.path.read_bytes()))
    assert checkpoint.load() is None
    assert len(caplog.records) == 1
    assert "\n" not in caplog.records[0].getMessage()


def test_removing_leaves_nothing_of_any_key(tmp_path):
    for key in "ab":
        Checkpoint(tmp_path, (key,), 0).save(STATE, HISTORY)
    (tmp_path / "..checkpoint-x.safetensors.7").write_bytes(b"cut off by a kill")
    Checkpoint(tmp_path, ("a",), 0).remove()
    assert list(tmp_path.iterdir()) == []
