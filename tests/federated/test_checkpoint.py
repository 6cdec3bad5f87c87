"""Checkpoints come back as they were saved, to the job that saved them and to no other."""

import json
import math

import pytest
import torch
from safetensors import safe_open

from fal import storage
from fal.federated.checkpoint import Checkpoint, forget_finished
from fal.signals import Stopped, Stopping

STATE = {
    "global": {"w": torch.randn(1, 3), "steps": torch.tensor(7)},
    "local": {"w": torch.randn(4, 3).to(torch.bfloat16)},
}
HISTORY = [
    {"round": 1, "train_loss": 0.1, "accuracy": math.nan},
    {"round": 2, "train_loss": 1 / 3, "accuracy": 98.7},
]


@pytest.fixture
def told():
    return []


@pytest.fixture
def checkpoint(tmp_path, told):
    """Makes checkpoints of one file that differ in what is given."""

    def make(depends_on=None, **more):
        path = tmp_path / ".checkpoint-result.safetensors"
        return Checkpoint(path, depends_on or {"settings": 1}, warn=told.append, **more)

    return make


def save(checkpoint, **more):
    made = checkpoint(**more)
    made.save(STATE, HISTORY, "round 2 of 9")
    return made


def test_state_and_history_come_back_exactly(checkpoint, told):
    save(checkpoint)
    state, history = checkpoint().load()
    assert state.keys() == STATE.keys()
    for part, named in STATE.items():
        assert all(torch.equal(state[part][name], tensor) for name, tensor in named.items())
    assert math.isnan(history[0].pop("accuracy"))
    assert history == [{"round": 1, "train_loss": 0.1}, HISTORY[1]]
    assert isinstance(history[0]["round"], int)
    assert told == []


def test_without_a_file_there_is_nothing_to_tell(checkpoint, told):
    assert checkpoint().load() is None
    assert told == []


def test_what_was_saved_under_other_conditions_is_told_and_not_used(checkpoint, told, tmp_path):
    file = tmp_path / "labeled.npz"
    file.write_bytes(b"one")
    saved = {"settings": 1, "code": {"fal.rng": "a"}, "labeled.npz": file}
    save(checkpoint, depends_on=saved)
    assert checkpoint(saved).load() is not None
    assert checkpoint({**saved, "code": {"fal.rng": "b"}}).load() is None
    assert "(it was saved with other code): starting anew" in told.pop()
    assert checkpoint({"settings": 2, "code": saved["code"]}).load() is None
    assert "other labeled.npz, settings)" in told.pop()
    file.write_bytes(b"two")
    assert checkpoint(saved).load() is None
    assert "other labeled.npz)" in told.pop()


def test_other_hardware_goes_on_and_is_told(checkpoint, told):
    save(checkpoint, hardware="NVIDIA A100")
    assert checkpoint(hardware="NVIDIA A100").load() is not None
    assert told == []
    assert checkpoint(hardware="NVIDIA H100").load() is not None
    assert "other hardware (NVIDIA A100, now NVIDIA H100)" in told[0]


def test_a_checkpoint_is_due_only_after_its_time_or_when_the_job_is_to_stop(checkpoint):
    stopping = Stopping()
    waiting = checkpoint(every=3600, stopping=stopping)
    assert not waiting.due
    assert checkpoint(every=0).due
    soon = checkpoint(every=0)
    soon.every = 3600
    soon.save(STATE, HISTORY, "round 2 of 9")
    assert not soon.due
    stopping.signal = "SIGTERM"
    assert waiting.due
    with pytest.raises(Stopped, match=r"by SIGTERM after round 2 of 9: the next call goes on"):
        waiting.save(STATE, HISTORY, "round 2 of 9")
    assert checkpoint().load() is not None


def test_a_state_that_cannot_be_written_is_told_and_the_training_goes_on(tmp_path, told):
    (tmp_path / "file").touch()
    Checkpoint(tmp_path / "file" / "c", {"a": 1}, warn=told.append).save(STATE, HISTORY, "round 2")
    assert "no checkpoint after round 2: " in told[0]
    assert "cannot be written (File exists)" in told[0]


def test_the_record_is_text_that_anybody_can_read(checkpoint):
    with safe_open(save(checkpoint).path, "pt") as file:
        record = json.loads(file.metadata()["told"])["record"]
        assert set(file.keys()) == {"global/w", "global/steps", "local/w"}
    assert record[1] == HISTORY[1]


def no_bytes(content):
    return b""


def half(content):
    return content[: len(content) // 2]


def noise(content):
    return b"\xff" * len(content)


def other_header(content):
    return content.replace(b'"told"', b'"tolb"')


def one_bit_of_a_weight(content):
    return content[:-1] + bytes([content[-1] ^ 1])


def one_digit_of_the_history(content):
    return content.replace(b"98.7", b"98.6")


@pytest.mark.parametrize(
    "damage",
    [no_bytes, half, noise, other_header, one_bit_of_a_weight, one_digit_of_the_history],
)
def test_a_damaged_file_is_one_line_and_not_used(checkpoint, told, damage):
    path = save(checkpoint).path
    content = path.read_bytes()
    path.write_bytes(damage(content))
    assert path.read_bytes() != content
    assert checkpoint().load() is None
    assert len(told) == 1
    assert "is not used (it is damaged: " in told[0]
    assert "\n" not in told[0]


def test_a_file_of_something_else_is_one_line_and_not_used(checkpoint, told):
    storage.save_tensors(checkpoint().path, {"w": torch.zeros(2)})
    assert checkpoint().load() is None
    assert len(told) == 1


def test_removing_leaves_nothing(checkpoint, tmp_path):
    made = save(checkpoint)
    (tmp_path / f".{made.path.name}.7").write_bytes(b"cut off by a kill")
    made.remove()
    assert list(tmp_path.iterdir()) == []


def test_those_are_forgotten_whose_results_are_there(tmp_path):
    names = (".checkpoint-result.safetensors", ".checkpoint-kd.safetensors")
    for cycle, result in (("cycle-0", "result.json"), ("cycle-1", "kd.safetensors")):
        for name in (*names, result):
            storage.save_text(tmp_path / cycle / name, "")
    storage.save_text(tmp_path / "cycle-0" / f".{names[0]}.123", "half")
    forget_finished(tmp_path / "cycle-0")
    assert {p.name for p in (tmp_path / "cycle-0").iterdir()} == {names[1], "result.json"}
    forget_finished(tmp_path)
    assert {p.name for p in (tmp_path / "cycle-1").iterdir()} == {names[0], "kd.safetensors"}
