"""A run with people as the oracle, who here answer truthfully."""

import csv
import json
import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

import snakemake_runs
from digests import digests
from fal.data.labeled import Labeled
from fal.resolve import resolve
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


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    """A run with people who have answered all that it asks."""
    folder = tmp_path_factory.mktemp("unfinished")
    for waiting in (30, 15, 15, 15):
        status, said = snakemake(folder, PEOPLE)
        assert status == 0, said
        told = rf"{waiting} images wait for their labels \(3 tasks in "
        assert re.search(told, said), said
        status, said = snakemake(folder, PEOPLE)
        assert status == 0 and re.search(told, said) and "Nothing to be done" in said, said
        assert answer(folder) == waiting
    return folder


@pytest.fixture(scope="module")
def finished(unfinished, tmp_path_factory):
    folder = shutil.copytree(unfinished, tmp_path_factory.mktemp("finished") / "copied")
    status, said = snakemake(folder, PEOPLE)
    assert status == 0, said
    assert "wait for their labels" not in said
    return folder


def test_truthful_people_lead_to_the_bytes_of_the_simulated_oracle(simulated, finished):
    assert models_and_labels(finished) == models_and_labels(simulated)


def test_the_recorded_configuration_can_be_used_again(finished):
    recorded = json.loads((finished / "results/provenance.json").read_text())["config"]
    oracle = {"method": "human", "answers": "answers", "ask_all": True}
    assert resolve(recorded).oracle == oracle


def follow(folder, sentence):
    """Do what an error's sentence advises."""
    if folders := re.search(r"delete ('[^']+'(, '[^']+')*)", sentence):
        for cycle in re.findall(r"'([^']+)'", folders[1]):
            shutil.rmtree(folder / cycle)
    elif re.search("remove it|take it out of the folder", sentence):
        (folder / re.search("'([^']+)'", sentence)[1]).unlink()
    else:
        assert "the same command makes it anew" in sentence


def finish(folder):
    """Do what each call advises until one finds nothing to do; the sentences that were followed."""
    followed = []
    for _ in range(25):
        status, said = snakemake(folder, PEOPLE)
        if status:
            followed.append(re.search("Error: .*", said)[0])
            follow(folder, followed[-1])
        elif not answer(folder) and "Nothing to be done" in said:
            return followed
    raise AssertionError(said)


def damaged(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


CYCLE = "results/runs/digits/alpha-0.1/clients-3/seed-1/cnn/fedavg/g-entropy/cycle"
PARTITION = "results/partitions/digits/alpha-0.1/clients-3/seed-1"


@pytest.mark.parametrize(
    "harm",
    [
        [(damaged, f"{CYCLE}-1/labeled.npz"), (damaged, f"{PARTITION}/initial_query.csv")],
        [(Path.unlink, f"{CYCLE}-1/labeled.npz"), (damaged, f"{CYCLE}-1/tasks.json")],
        [(Path.unlink, f"{PARTITION}/initial.npz"), (damaged, f"{CYCLE}-1/query.csv")],
        [(shutil.rmtree, f"{CYCLE}-2/tasks"), (Path.unlink, f"{CYCLE}-2/tasks.json")],
    ],
)
def test_a_run_goes_on_from_damage_to_the_same_bytes(simulated, unfinished, tmp_path, harm):
    folder = shutil.copytree(unfinished, tmp_path / "copied")
    for do, path in harm:
        do(folder / path)
    finish(folder)
    assert models_and_labels(folder) == models_and_labels(simulated)


@pytest.mark.parametrize(("name", "cycles"), [("initial", 4), ("cycle-0", 3)])
def test_what_is_advised_after_answers_were_changed_leads_to_the_end(
    finished, tmp_path, name, cycles
):
    folder = shutil.copytree(finished, tmp_path / "copied")
    changed = sorted((folder / "answers").glob(f"*{name}_client-*.csv"))
    for path in changed:
        text = path.read_text()
        path.write_text(re.sub(r"\d$", lambda label: str(9 - int(label[0])), text, flags=re.M))
    followed = finish(folder)
    assert followed[0].count("/cycle-") == cycles
    assert any("take it out of the folder" in sentence for sentence in followed[1:])
    used = Labeled.open(folder / f"{CYCLE}-2/labeled.npz")
    used = dict(zip(used.index.tolist(), used.label.tolist(), strict=True))
    for path in (folder / "answers").iterdir():
        with path.open(newline="") as file:
            assert all(used[int(r["index"])] == int(r["label"]) for r in csv.DictReader(file))
    assert (folder / "results/tables/accuracy.csv").read_text().count("\n") == 1 + 4


def test_answers_that_were_used_and_are_gone_are_asked_for_anew_if_one_wants(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "copied")
    for path in (folder / "answers").glob("*cycle-1_client-*.csv"):
        path.unlink()
    followed = finish(folder)
    assert len(followed) == 1 and "put them back, or, to be asked anew, delete" in followed[0]


def test_answers_that_come_while_it_runs_do_not_reach_the_jobs_of_a_cluster(unfinished, tmp_path):
    folder = shutil.copytree(unfinished, tmp_path / "copied")
    rule, table = "collect_results", folder / "results/tables/accuracy.csv"
    # As an executor starts a job in a process of its own.
    job = ["--cores", "1", "--mode", "remote", "--no-hooks", "--force"]
    job += ["--target-jobs", f"{rule}:", "--allowed-rules", rule]
    planned = table.read_bytes()
    for answers in ("complete", "half"):
        if answers == "half":
            half = next((folder / "answers").glob("*cycle-1_client-1.csv"))
            half.write_text(half.read_text().partition("\n")[0])
        table.unlink()
        status, said = snakemake(folder, PEOPLE, arguments=job)
        assert status == 0, said
        assert table.read_bytes() == planned
    (half.parent / f"{half.stem} (1).csv").touch()
    status, said = snakemake(folder, PEOPLE, arguments=["--dry-run"])
    assert status != 0 and "has 5 mistakes" in said
    assert f"{half.stem} (1).csv' is not used; if it is to be, call it '{half.name}'" in said


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
