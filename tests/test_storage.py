import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from fal import outputs, storage
from fal.errors import InputError
from fal.outputs import Outputs


def test_arrays_come_back(tmp_path):
    path = tmp_path / "deep" / "a.npz"
    storage.save_array(path, index=np.arange(5), other=np.eye(2))
    np.testing.assert_array_equal(storage.load_array(path, "index"), np.arange(5))
    np.testing.assert_array_equal(storage.load_array(path, "other"), np.eye(2))


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", index=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        storage.load_array(tmp_path / "a.npz", "index")


def test_states_come_back(tmp_path):
    state = {
        "global": {
            "backbone.0.conv.weight": torch.randn(1, 3, 2, 2),
            "head.bias": torch.randn(1, 3),
        },
        "local": {"head.bias": torch.randn(4, 3).t().contiguous().t()},
    }
    storage.save_state(tmp_path / "s.safetensors", state)
    loaded = storage.load_state(tmp_path / "s.safetensors")
    assert loaded.keys() == state.keys()
    for part, weights in state.items():
        assert loaded[part].keys() == weights.keys()
        assert all(torch.equal(loaded[part][name], w) for name, w in weights.items())


def test_outputs_come_back(tmp_path):
    saved = {role: Outputs(torch.randn(4, 3), torch.randn(4, 2)) for role in ("global", "kd")}
    for some in (saved, {}):
        outputs.save(tmp_path / "o.safetensors", some)
        loaded = outputs.load(tmp_path / "o.safetensors")
        assert loaded.keys() == some.keys()
        for role, its in some.items():
            assert torch.equal(loaded[role].features, its.features)
            assert torch.equal(loaded[role].logits, its.logits)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), storage.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_whole_write_takes_the_place_of_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with storage.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_file_reaches_the_disk_before_its_name_does(tmp_path, monkeypatch):
    path, done = tmp_path / "a.txt", []

    def fsync(descriptor):
        done.append((Path(f"/proc/self/fd/{descriptor}").readlink(), path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    storage.save_text(path, "new")
    assert done == [(tmp_path / f".a.txt.{os.getpid()}", False), (tmp_path, True)]


def test_what_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match=r"'.*/a' cannot be written \(Is a directory\); what was"):
        storage.save_text(tmp_path / "a", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_formulas_are_disarmed_and_numbers_left_alone():
    dangerous = ["=1+1", "+x", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "=\n"]
    harmless = ["a=1", "-1.50 ± 0.20", "+1.2 [0.1, 2.0]", "-", "", "image-1.png", "'=1", "ä"]
    table = pd.DataFrame({"file": [*dangerous, *harmless], "score": -1.5, "index": -7})
    table.loc[3, "score"] = np.nan
    found = storage.without_formulas(table)
    assert list(found["file"]) == [f"'{text}" for text in dangerous] + harmless
    assert found[["score", "index"]].equals(table[["score", "index"]])
    assert list(table["file"]) == [*dangerous, *harmless]


def test_texts_that_are_missing_or_no_utf_8_stay(tmp_path):
    names = pd.DataFrame({"file": pd.Series(["a\udce4.png", None, "=b"], dtype=object)})
    storage.save_text(tmp_path / "a.csv", storage.without_formulas(names).to_csv(index=False))
    assert (tmp_path / "a.csv").read_bytes() == b'file\na\xe4.png\n""\n\'=b\n'


def test_models_are_right_about_the_examples_that_count():
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    seen = {"kd": outputs.Outputs(torch.zeros(4, 2), logits)}
    assert outputs.accuracies(seen, np.array([0, 0, -1, 1])) == {"kd": pytest.approx(200 / 3)}
    assert outputs.accuracies(seen, np.array([-1, -1, -1, -1])) == {}
