"""A run with people as the oracle, who here answer truthfully."""

import csv
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

import snakemake_runs
from digests import digests
from killed_runs import Run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("people")]

ROOT = Path(__file__).parents[2]
OPTIONS = [
    *("clients=[3]", "strategies=[g-entropy]", "seeds=[1]"),
    "labeling={initial: 0.02, budget: 0.01, cycles: 3}",
    "training={rounds: 2, local_epochs: 1}",
]
PROFILE = ["--profile", str(ROOT / "profiles" / "default")]
PEOPLE = "oracle={human: {ask_all: true}}"


def snakemake(folder, *config, arguments=("--cores", "2")):
    status, said = snakemake_runs.run(
        *("--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)),
        *(*PROFILE, *arguments),
        *("--config", *OPTIONS, *config),
    )
    return status, said


def answer(folder, unsure=()):
    """Fill in all tasks that have no answer; how many images that were."""
    labels = np.load(folder / "results/data/digits/train_labels.npy")
    (folder / "answers").mkdir(exist_ok=True)
    answered = 0
    for task in sorted((folder / "results").glob("**/*tasks/*.csv")):
        target = folder / "answers" / task.name
        if target.exists():
            continue
        with task.open(newline="") as file:
            rows = list(csv.DictReader(file))
        with target.open("w", newline="") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            for row in rows:
                index = int(row["index"])
                table.writerow({**row, "label": "unsure" if index in unsure else labels[index]})
        answered += len(rows)
    return answered


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    status, said = snakemake(folder)
    assert status == 0, said
    return folder


def test_truthful_people_lead_to_the_bytes_of_the_simulated_oracle(simulated, tmp_path):
    for waiting in (30, 15, 15, 15):
        status, said = snakemake(tmp_path, PEOPLE)
        assert status == 0, said
        assert re.search(rf"{waiting} images wait for their labels \(3 tasks in ", said), said
        assert answer(tmp_path) == waiting
    status, said = snakemake(tmp_path, PEOPLE)
    assert status == 0, said
    assert "wait for their labels" not in said
    assert models_and_labels(tmp_path) == models_and_labels(simulated)


STEPS = [
    ["partition_clients", "write_tasks"],
    ["read_answers", "train_cycle", "query_clients", "write_tasks"],
    ["read_answers", "train_cycle"],
    ["read_answers"],
    ["read_answers", "collect_results", "write_report"],
]


def test_a_run_with_people_is_killed_in_each_step_and_goes_on(simulated, tmp_path):
    for waiting, steps in zip((30, 15, 15, 15, 0), STEPS, strict=True):
        for step in steps:
            run = Run(tmp_path, *PROFILE, "--config", *OPTIONS, PEOPLE)
            run.wait_until(lambda run=run, step=step: run.jobs(step))
            os.killpg(run.process.pid, signal.SIGKILL)
            assert run.process.wait() != 0
        status, said = snakemake(tmp_path, PEOPLE)
        assert status == 0 and "An earlier run was killed" in said, said
        assert answer(tmp_path) == waiting
    assert models_and_labels(tmp_path) == models_and_labels(simulated)


def models_and_labels(folder):
    names = ("global.safetensors", "query.csv", "labeled.npz", "accuracy.csv")
    found = digests(folder / "results")
    compared = {name: digest for name, digest in found.items() if Path(name).name in names}
    assert len(compared) == 4 + 3 + 3 + 1
    return compared
