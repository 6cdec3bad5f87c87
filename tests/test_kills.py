"""A run that is killed again and again, in every way, at any moment: the bytes of a whole one."""

import contextlib
import json
import random
import time
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM

import psutil
import pytest

from digests import digests
from fal.owner import MARK
from killed_runs import ROOT, Run

pytestmark = pytest.mark.slow

OPTIONS = [
    *("tables", "--configfile", str(ROOT / "experiments" / "miniature.yaml")),
    *("--config", "compute={checkpoint_seconds: 0}", "labeling={cycles: 3}"),
]
KILLS = [
    *[(SIGKILL, whom) for whom in ("snakemake", "a job", "all") * 2],
    *[(number, "all") for number in (SIGINT, SIGTERM, SIGHUP)],
    *[(number, "snakemake") for number in (SIGINT, SIGTERM, SIGHUP)],
]


def left(folder: Path) -> list[psutil.Process]:
    """The processes that still work on the results of ``folder``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            of_folder = process.environ().get(MARK, "").endswith(str(folder / "results"))
            if of_folder and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_the_plain_command_goes_on_after_every_kill_to_the_same_bytes(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    started = time.monotonic()
    undisturbed = Run(whole, *OPTIONS)
    assert undisturbed.process.wait(900) == 0, undisturbed.words()
    seconds = time.monotonic() - started

    choice, hits = random.Random(9), 0
    for number, whom in choice.sample(KILLS, len(KILLS)):
        run = Run(killed, *OPTIONS)
        if choice.random() < 0.2:
            time.sleep(choice.uniform(0, 3))
        else:
            run.wait_until(run.jobs)
            time.sleep(choice.uniform(0, seconds / 12))
        run.kill(number, whom, choice)
        hits += run.process.wait(300) != 0
    assert hits >= 10, f"only {hits} kills came before the end"

    # Whether a process on another machine still works here, a person has to say.
    owner = killed / "results" / "logs" / "owner.json"
    owner.write_text(json.dumps(json.loads(owner.read_text()) | {"host": "there", "over": False}))
    run = Run(killed, *OPTIONS)
    assert run.process.wait(300) != 0 and "on there, started" in run.words()
    assert Run(killed, *OPTIONS, "--unlock").process.wait(300) == 0
    run = Run(killed, *OPTIONS)
    assert run.process.wait(900) == 0, run.words()

    assert "An earlier run was killed" in run.words()
    assert "Ending what still runs of an earlier run" in run.words()
    assert left(killed) == []
    expected, found = digests(whole / "results"), digests(killed / "results")
    assert found | expected == found
    # What stays besides: what was being written, and temporary files that nobody needs.
    others = {Path(name).name for name in found.keys() - expected.keys()}
    temporary = {"clients.safetensors", "kd.safetensors"}
    assert {name for name in others if not name.startswith(".")} <= temporary
