"""Jobs that run at once are spread over a machine's GPUs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fal import gpus

HOLD = "import sys; from fal import gpus; print(gpus.take(3), flush=True); sys.stdin.read()"


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(gpus.tempfile, "tempdir", None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def hold():
    """Start a process that takes one of three GPUs: the process, and the index."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_every_job_has_a_gpu_of_its_own_while_there_are_some_and_then_shares(hold):
    assert [hold()[1] for _ in range(5)] == [0, 1, 2, 0, 1]


def test_a_killed_job_gives_its_gpu_back(hold):
    _, (second, index), _ = hold(), hold(), hold()
    second.kill()
    second.wait()
    assert hold()[1] == index == 1


def test_visible_gpus_are_told_apart_by_their_names(monkeypatch):
    for visible, expected in (("2,3", 0), ("3,0", 0), ("2,3", 0), ("3,0", 1)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        first = gpus.take(2)
        assert first == expected, visible


def test_every_step_that_computes_on_a_device_asks_for_a_gpu():
    root = Path(__file__).parents[1]
    rules = re.split(
        r"^(?=rule )", "\n".join(p.read_text() for p in root.glob("rules/*.smk")), flags=re.M
    )
    scripts = {
        name.group(1): rule
        for rule in rules
        if (name := re.search(r"workflow_scripts/(\w+\.py)\"", rule))
    }
    computing = [
        name for name in scripts if "use_device" in (root / "workflow_scripts" / name).read_text()
    ]
    assert len(computing) >= 4
    assert [name for name in computing if "**DEVICE," not in scripts[name]] == []
