"""What a job does when it is told to stop: by a person, a cluster or a closed terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 75
"""The exit status that means "run me again": EX_TEMPFAIL of sysexits.h."""

TOLD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


class Stopped(BaseException):
    """A job was told to stop and did; run again, it goes on. No ``except Exception`` keeps it."""


class Stopping:
    """Whether a job was told to stop, and by which signal.

    It stops at once, unless it ``has_safe_points``: then at the next of them. Who presses Ctrl-C a
    second time does not want to wait.
    """

    def __init__(self) -> None:
        self.signal: str | None = None
        self.has_safe_points = False

    def safe_point(self, after: str) -> None:
        """Raise Stopped if the job was told to stop: all is saved ``after`` so many rounds."""
        if self.signal:
            raise Stopped(
                f"stopped by {self.signal} after {after}: the next call goes on from there"
            )

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while the block runs; what is ignored, as under nohup, stays so."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {number: signal.getsignal(number) for number in TOLD}
        before = {n: handler for n, handler in handlers.items() if handler != signal.SIG_IGN}
        for number in before:
            signal.signal(number, self._receive)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, _: FrameType | None) -> None:
        impatient = number == signal.SIGINT and self.signal == "SIGINT"
        self.signal = signal.Signals(number).name
        if not self.has_safe_points:
            raise Stopped(f"stopped by {self.signal}: the next call does it again")
        if impatient:
            raise Stopped(
                f"stopped at once by a second {self.signal}: the next call goes on from what was "
                "saved last"
            )
