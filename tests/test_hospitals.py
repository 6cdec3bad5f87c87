"""The worked example of docs/tutorial.md."""

import csv
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import snakemake_runs
from fal import experiment
from fal.data import kinds
from fal.resolve import resolve
from fal.runs import plan

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "hospitals"
SITES = {"City": 180, "Klinik Süd": 40, "Lakeside": 80, "University": 340, "Village": 16}


def script(name, *arguments):
    """Run a script of the example in this process."""
    before = sys.argv
    sys.argv = [name, *map(str, arguments)]
    try:
        runpy.run_path(str(EXAMPLE / name), run_name="__main__")
    finally:
        sys.argv = before


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example") / "hospitals"
    script("make.py", folder)
    return folder


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_images_are_read_as_the_experiment_says(hospitals, monkeypatch):
    monkeypatch.chdir(hospitals.parent)
    settings = resolve(experiment.read([ROOT / "config.yaml", EXAMPLE / "hospitals.yaml"]))
    assert settings.keep_unlabeled
    assert [setting["clients"] for setting in plan(settings).settings] == [5]
    options = dict(settings.datasets["hospitals"])
    kind = kinds.create(options.pop("kind"), **options)
    data = kind.load("hospitals", hospitals, keep_unlabeled=True)
    assert dict(zip(data.sites.names, np.bincount(data.sites.train), strict=True)) == SITES
    truth = {row["image"]: int(row["label"]) for row in rows(hospitals / "truth.csv")}
    true = np.array([truth[file] for file in data.train_files])
    known = data.train_labels >= 0
    assert (data.train_labels[known] == true[known]).all()
    assert np.bincount(data.sites.train[known]).tolist() == [18, 4, 8, 34, 2]
    assert (data.test_labels >= 0).all() and len(data.test_labels) == 164
    counts = np.bincount([*true, *data.test_labels])
    assert len(counts) == 10 and counts[0] > 3 * counts[9]


def test_a_folder_with_something_in_it_is_left_alone(hospitals):
    with pytest.raises(SystemExit, match="is not empty"):
        script("make.py", hospitals)


@pytest.mark.slow
def test_the_tutorial_is_played_through(hospitals, monkeypatch):
    folder = hospitals.parent
    monkeypatch.chdir(folder)
    arguments = [
        *("--snakefile", str(ROOT / "Snakefile"), "--cores", "2"),
        *("--profile", str(ROOT / "profiles" / "default")),
        *("--configfile", str(EXAMPLE / "hospitals.yaml")),
    ]
    status, said = snakemake_runs.run(*arguments)
    assert status == 0 and "call snakemake again to go on" in said, said
    for _ in range(2):
        status, said = snakemake_runs.run(*arguments)
        assert status == 0 and re.search(r"33 images wait for their labels \(5 tasks", said), said
        pages = sorted(folder.glob("results/runs/**/tasks/*.html"))
        assert all(site in " ".join(page.read_text() for page in pages) for site in SITES)
        script("annotate.py", "hospitals/truth.csv")
    status, said = snakemake_runs.run(*arguments)
    assert status == 0 and "wait" not in said, said
    accuracy = rows(folder / "results/tables/accuracy.csv")
    assert [row["labeled"] for row in accuracy] == ["66", "99", "132"]
    assert float(accuracy[2]["accuracy"]) > float(accuracy[0]["accuracy"]) + 5
    assert (folder / "results/report.html").stat().st_size > 100_000
