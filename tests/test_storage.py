import numpy as np
import pytest
import torch

from fal import outputs, storage
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
