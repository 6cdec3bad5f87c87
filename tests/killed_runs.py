"""Runs of Snakemake that are killed while they run."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGSTOP

import psutil

ROOT = Path(__file__).parents[1]


def default_signals() -> None:
    """What a shell in the background has its children ignore."""
    for number in (SIGINT, SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Run:
    """``snakemake ARGUMENTS`` in ``folder``, leader of a process group, as a shell starts it."""

    def __init__(self, folder: Path, *arguments: str):
        command = [
            *(sys.executable, "-m", "snakemake", "--cores", "2"),
            *("--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)),
            *arguments,
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

    def jobs(self, script: str = "") -> list[int]:
        """The process ids of the step scripts that run now, or of those that are ``script``."""
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    command = process.cmdline()
                    if len(command) == 2 and re.search(
                        rf"\.snakemake/scripts/.*{script}\.py$", command[1]
                    ):
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
