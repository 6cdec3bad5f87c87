"""From the events that Snakemake logs to what a person is told."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping

from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from fal.progress import duration, notes_in
from snakemake_logger_plugin_fal.display import display_on
from snakemake_logger_plugin_fal.sentences import (
    SNAKEMAKE,
    as_error,
    exception_of,
    keep_exception,
    sentence_of,
)
from snakemake_logger_plugin_fal.state import JobState, RunState, error_of

NOISE = (
    "Config file ",
    "Failed to setup log file",
    "Creating specified working directory",
    "Building DAG of jobs",
    "Using shell:",
    "Provided ",
    "Rules claiming more threads",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Group jobs: inactive",
    "Assuming unrestricted shared filesystem",
    "Select jobs to execute",
    "Would remove temporary output",
    "Removing temporary output",
    "Shutting down",
    "Complete log",
    "Elapsed time",
    "Some jobs were triggered by provenance",
    "Exiting because a job execution failed",
    "At least one job did not complete",
    "Workflow has started",
)
"""How messages begin that tell a person nothing; all of them are in .snakemake/log."""

WORTH_TELLING = ("Will exit after finishing",)
"""How messages begin that are told although jobs are running."""

DETAILS = (LogEvent.JOB_INFO, LogEvent.GROUP_INFO, LogEvent.SHELLCMD, LogEvent.DEBUG_DAG)
"""What is told besides, in Snakemake's own words, if it was asked for by -p or --verbose."""

USER_STOP = "Terminating processes on user request"
SEE_ABOVE = "\n    (check individual jobs above for details)"
JOB_FAILED = "CalledProcessError"
JOBS_FAILED = "At least one job did not complete"
RESTART = "Trying to restart job "


class LogHandler(LogHandlerBase):
    """Shows a run, and at its end what was warned of, where to look and what failed."""

    def __post_init__(self) -> None:
        common = self.common_settings
        quiet = {choice.name for choice in common.quiet or ()}
        self.silent = "ALL" in quiet and not common.dryrun
        self.shows_run = not ({"ALL", "PROGRESS"} & quiet or common.dryrun)
        self.details = common.verbose or common.printshellcmds or common.debug_dag
        self.format_details = DefaultFormatter(common.quiet, common.show_failed_logs).format
        self.state = RunState()
        stream = sys.stdout if common.stdout else sys.stderr
        self.display = display_on(stream, self.state, colors=not common.nocolor)
        self.stopped_by_user = False
        self.errors: list[str] = []
        self.closed = False
        self._handle: dict[LogEvent | None, Callable[[logging.LogRecord], None]] = {
            LogEvent.RUN_INFO: self._plan,
            LogEvent.JOB_INFO: self._job_started,
            LogEvent.JOB_FINISHED: self._job_finished,
            LogEvent.JOB_ERROR: self._job_failed,
            LogEvent.PROGRESS: self._progress,
            LogEvent.ERROR: self._error,
            None: self._message,
        }
        SNAKEMAKE.addFilter(keep_exception)
        self._library = LibraryMessages(self)
        logging.getLogger("fal").addHandler(self._library)
        logging.getLogger("fal").setLevel(logging.INFO)

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event = getattr(record, "event", None)
            if event in self._handle:
                self._handle[event](record)
            if self.details and event in DETAILS:
                self.display.write(self.format_details(record))
        except Exception:
            self.handleError(record)

    def warn(self, sentence: str) -> None:
        """Tell of something doubtful now, and once more at the end."""
        if self.state.warn(sentence):
            self.display.write(f"Warning: {sentence}")

    def close(self) -> None:
        """Say how the run ended; what failed stands last."""
        if not self.closed:
            self.closed = True
            self.display.end()
            SNAKEMAKE.removeFilter(keep_exception)
            logging.getLogger("fal").removeHandler(self._library)
            self._summarize()
        super().close()

    def _plan(self, record: logging.LogRecord) -> None:
        again = bool(self.state.planned)
        stats: Mapping[str, int] = record.__dict__["stats"]
        self.state.plan(stats)
        if self.common_settings.dryrun and not again:
            width = max(map(len, stats))
            self._say("\n".join(f"{rule:{width}}  {count}" for rule, count in stats.items()))
        elif self.shows_run:
            self.display.begin()

    def _job_started(self, record: logging.LogRecord) -> None:
        if not self.common_settings.dryrun:
            self.state.start(record.__dict__["jobid"], record.__dict__)

    def _job_finished(self, record: logging.LogRecord) -> None:
        job = self.state.finish(record.__dict__["job_id"])
        if job is not None:
            self._tell_what_it_told(job)
            if self.shows_run:
                self.display.finished(job)

    def _job_failed(self, record: logging.LogRecord) -> None:
        job = self.state.fail(record.__dict__["jobid"])
        if job is not None:
            self._tell_what_it_told(job)

    def _progress(self, record: logging.LogRecord) -> None:
        self.state.total = record.__dict__["total"]

    def _error(self, record: logging.LogRecord) -> None:
        """Keep an error for the end, unless it only repeats that a job failed."""
        text = record.getMessage()
        if JOB_FAILED in text or JOBS_FAILED in text:
            return
        error = exception_of(record)
        sentence = sentence_of(error) if error is not None else None
        self.errors.append(text if sentence is None else as_error(sentence))

    def _message(self, record: logging.LogRecord) -> None:
        text = record.getMessage().strip().replace(SEE_ABOVE, "")
        if text.startswith(USER_STOP):
            self.stopped_by_user = True
        elif text.startswith(RESTART):
            self._tell_retry(int(text.removeprefix(RESTART).rstrip(".")))
        elif record.levelno >= logging.ERROR and not text.startswith(NOISE):
            self.errors.append(f"Error: {text}")
        elif record.levelno == logging.WARNING:
            self.warn(text)
        elif self.common_settings.verbose:
            self.display.write(self.format_details(record))
        elif text.startswith(WORTH_TELLING) or not (
            self.state.running or text in ("", "None") or text.startswith(NOISE)
        ):
            self._say(text)

    def _tell_what_it_told(self, job: JobState) -> None:
        for sentence in notes_in(job.log) if job.log is not None else ():
            self.display.write(sentence)
        for sentence in self.state.collect_warnings(job):
            self.display.write(f"Warning: {sentence}")

    def _tell_retry(self, jobid: int) -> None:
        job = self.state.failed.pop(jobid, None)
        if job is not None and not job.ended_well:
            self.warn(f"{self.state.words(job)} failed and is tried again: {error_of(job)}")

    def _say(self, text: str) -> None:
        if not self.silent:
            self.display.write(text)

    def _summarize(self) -> None:
        state = self.state
        failures = [f"Error: {state.words(job)}: {error_of(job)}" for job in state.culprits()]
        if self.stopped_by_user:
            failures = ["Stopped. Run the same command again to go on from here."]
        if state.warnings and state.planned and not self.common_settings.dryrun:
            self._say("Warnings of this run:")
            for sentence, count in state.warnings.items():
                self._say(f"  {sentence}" + (f" ({count} times)" if count > 1 else ""))
        if state.done:
            for title, path in state.places().items():
                self._say(f"{title}: {path}")
            took = duration(time.time() - state.started)
            self._say(f"{state.done} of {state.total} jobs done in {took}.")
        for sentence in [*self.errors, *failures]:
            self.display.write(sentence)


class LibraryMessages(logging.Handler):
    """What the library says in Snakemake's own process, while the configuration is read."""

    def __init__(self, handler: LogHandler):
        super().__init__(logging.INFO)
        self.handler = handler

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self.handler.warn(record.getMessage())
        else:
            self.handler._say(record.getMessage())
