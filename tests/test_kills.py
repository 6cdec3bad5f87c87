"""A run that is killed again and again, in every way, at any moment: the bytes of a whole one."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGSTOP, SIGTERM

import psutil
import pytest

from digests import digests
from fal.owner import MARK

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
KILLS = [
    *[(SIGKILL, whom) for whom in ("snakemake", "a job", "all") * 2],
    *[(number, "all") for number in (SIGINT, SIGTERM, SIGHUP)],
    *[(number, "snakemake") for number in (SIGINT, SIGTERM, SIGHUP)],
]


def default_signals() -> None:
    """What a shell in the background has its children ignore."""
    for number in (SIGINT, SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Run:
    """Snakemake in ``folder``, leader of a process group of its own, as a shell starts it."""

    def __init__(self, folder: Path, *options: str):
        command = [
            *(sys.executable, "-m", "snakemake", "tables", "--cores", "2"),
            *("--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)),
            *("--configfile", str(ROOT / "experiments" / "miniature.yaml")),
            *("--config", "compute={checkpoint_seconds: 0}", "labeling={cycles: 3}"),
            *options,
        ]
        folder.mkdir(exist_ok=True)
        self.said = folder / "said"
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                command,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=default_signals,
            )

    def jobs(self) -> list[int]:
        """The process ids of the step scripts that run now."""
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    command = process.cmdline()
                    if len(command) == 2 and ".snakemake/scripts" in command[1]:
                        found.append(process.pid)
        return found

    def kill(self, number: int, whom: str, choice: random.Random) -> None:
        if whom == "all":
            os.killpg(self.process.pid, number)
            return
        self.wait_until(self.jobs)
        job = choice.choice(self.jobs())
        if whom == "a job":
            os.kill(job, number)
        else:
            if number == SIGKILL:
                # One of its jobs hangs and will outlive it.
                os.kill(job, SIGSTOP)
            self.process.send_signal(number)

    def wait_until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + 120
        while not true():
            assert time.monotonic() < deadline and self.process.poll() is None, self.words()
            time.sleep(0.01)

    def words(self) -> str:
        return self.said.read_text()


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
    undisturbed = Run(whole)
    assert undisturbed.process.wait(900) == 0, undisturbed.words()
    seconds = time.monotonic() - started

    choice, hits = random.Random(9), 0
    for number, whom in choice.sample(KILLS, len(KILLS)):
        run = Run(killed)
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
    run = Run(killed)
    assert run.process.wait(300) != 0 and "on there, started" in run.words()
    assert Run(killed, "--unlock").process.wait(300) == 0
    run = Run(killed)
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
