"""The two ways of showing a run: a live panel on a terminal, and short lines everywhere else."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from fal.progress import duration
from snakemake_logger_plugin_fal.state import JobState, RunState

if TYPE_CHECKING:
    from rich.console import RenderableType

LONG = 5.0
"""Seconds after which a job is worth a line of its own."""

EVERY = 60.0
"""Seconds between two lines on how far the run is."""

STYLES = {"Error:": "bold red", "Warning:": "yellow"}


class Display(Protocol):
    """Somewhere to write lines, and to show how far a run is while it lasts."""

    def write(self, text: str) -> None:
        """Lines that stay."""

    def begin(self) -> None:
        """The run has jobs to do: start to show them."""

    def finished(self, job: JobState) -> None:
        """A job is done."""

    def end(self) -> None:
        """Take the panel away."""


class Lines:
    """Plain lines with the time of day: the start and end of long jobs, and how far the run is."""

    def __init__(self, state: RunState, stream: TextIO):
        self.state, self.stream = state, stream
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watcher: threading.Thread | None = None
        self._told = time.monotonic()
        self._tenths = 0

    def write(self, text: str) -> None:
        with self._lock:
            print(text, file=self.stream, flush=True)

    def begin(self) -> None:
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()

    def finished(self, job: JobState) -> None:
        if job.announced:
            words = f"finished {self.state.words(job)} ({duration(job.seconds)})"
            self._say(f"{words}; {how_far(self.state)}")
        elif self._next_tenth():
            self._say(how_far(self.state))

    def end(self) -> None:
        self._over.set()
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            jobs = self.state.look()
            for job in jobs:
                if not job.announced and job.seconds > LONG:
                    job.announced = True
                    self._say(f"started {self.state.words(job)}")
            if time.monotonic() - self._told > EVERY:
                furthest = max(jobs, key=lambda job: job.seconds, default=None)
                running = f"; {len(jobs)} running"
                if furthest is not None and furthest.standing and furthest.standing.words:
                    running += f", {self.state.words(furthest)}: {furthest.standing.words}"
                self._say(how_far(self.state) + running)

    def _next_tenth(self) -> bool:
        tenths = 10 * self.state.done // max(1, self.state.total)
        new, self._tenths = tenths > self._tenths, max(tenths, self._tenths)
        return new

    def _say(self, text: str) -> None:
        self._told = time.monotonic()
        self._next_tenth()
        self.write(f"{time.strftime('%H:%M:%S')} {text}")


class Panel:
    """One panel at the bottom of a terminal; what is written goes above it and stays."""

    def __init__(self, state: RunState, stream: TextIO, colors: bool):
        from rich.console import Console

        class QuietConsole(Console):
            def show_cursor(self, show: bool = True) -> bool:
                """Leave the cursor as it is: after kill -9 nobody would bring it back."""
                return False

        self.state = state
        self.console = QuietConsole(file=stream, no_color=not colors, highlight=False)
        self._live: Any = None

    def write(self, text: str) -> None:
        from rich.text import Text

        line = Text(text)
        for word, style in STYLES.items():
            if text.startswith(word):
                line.stylize(style, 0, len(word))
        self.console.print(line, soft_wrap=True)

    def begin(self) -> None:
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                console=self.console,
                get_renderable=self.draw,
                refresh_per_second=2,
                transient=True,
            )
            self._live.start()

    def finished(self, job: JobState) -> None:
        """The panel shows it by itself."""

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def draw(self) -> RenderableType:
        """The panel as it should look now."""
        from rich.console import Group
        from rich.panel import Panel as Box
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        jobs = sorted(self.state.look(), key=lambda job: (job.fraction is None, -job.seconds))
        rows = max(1, self.console.height - 8)
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(ratio=3, no_wrap=True, overflow="ellipsis")
        table.add_column(width=12)
        table.add_column(ratio=2, no_wrap=True, overflow="ellipsis")
        table.add_column(justify="right", no_wrap=True)
        for job in jobs[:rows]:
            bar = "" if job.fraction is None else ProgressBar(1.0, job.fraction, width=12)
            said = job.standing.words if job.standing else ""
            table.add_row(self.state.words(job), bar, Text(said, "dim"), duration(job.seconds))
        if len(jobs) > rows:
            table.add_row(Text(f"and {len(jobs) - rows} more", "dim"))
        whole = Table.grid(padding=(0, 2), expand=True)
        whole.add_column(ratio=1)
        whole.add_column(no_wrap=True)
        total = max(1, self.state.total)
        whole.add_row(ProgressBar(total, self.state.done), Text(how_far(self.state), "bold"))
        # The empty line is where the shell's prompt appears if the process is killed.
        return Group(Box(Group(whole, "", table), border_style="dim"), "")


def how_far(state: RunState) -> str:
    """Such as: 31 of 90 jobs (34%), 1 failed, about 8 min left."""
    percent = 100 * state.done // max(1, state.total)
    words = f"{state.done} of {state.total} jobs ({percent}%)"
    if state.failed:
        words += f", {len(state.failed)} failed"
    left = state.seconds_left()
    return words if left is None or left < 1 else f"{words}, about {duration(left)} left"


def display_on(stream: TextIO, state: RunState, colors: bool) -> Display:
    """The panel if a person sits in front of ``stream``, else lines."""
    if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and sys.platform != "win32":
        return Panel(state, stream, colors)
    return Lines(state, stream)
