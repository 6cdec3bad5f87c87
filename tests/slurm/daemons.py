"""Daemons that a test starts, waits for and stops."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def missing(programs: Iterable[str]) -> list[str]:
    """The programs that are not installed here."""
    return [program for program in programs if shutil.which(program, path=PATH) is None]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Daemons:
    """Processes by name, started with ``environment``; what they say is in ``folder``/NAME.out."""

    def __init__(self, folder: Path, environment: Mapping[str, str]):
        self.folder, self.environment = folder, environment
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, name: str) -> None:
        daemon = self.running.pop(name)
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def stop_all(self) -> None:
        """Stop all, the last one first."""
        for name in reversed(list(self.running)):
            self.stop(name)

    def wait_for(self, name: str, *command: str) -> None:
        """Wait until ``command`` succeeds; raises RuntimeError if the daemon ends, or in 30 s."""
        deadline = time.monotonic() + 30
        while subprocess.run(command, env=self.environment, capture_output=True).returncode:
            ended = self.running[name].poll() is not None
            if ended or time.monotonic() > deadline:
                log = (self.folder / f"{name}.out").read_text(errors="replace")
                raise RuntimeError(f"{name} {'ended' if ended else 'does not answer'}:\n{log}")
            time.sleep(0.2)
