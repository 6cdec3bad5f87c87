"""What is known of a run from the events that Snakemake logs and the files that its jobs keep."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fal import progress
from fal.progress import Standing
from fal.reporting import status

DONE = re.compile(r": done in [0-9.]+ s$")
"""The end of the log of a job that ended well."""

CLOCKS = 5.0
"""Seconds by which the clocks of two machines may differ."""


@dataclass
class JobState:
    """A job that was started: handed to a core, or to a cluster's queue.

    step: what its log is called after, which several rules may share.
    """

    rule: str
    step: str
    factors: dict[str, str]
    log: str | None
    files: list[str]
    started: float = field(default_factory=time.time)
    standing: Standing | None = None
    announced: bool = False

    @property
    def ended_well(self) -> bool:
        """Whether it did its work, or did not come to it: another of its submission failed."""
        if self.log is None or not Path(self.log).exists():
            return False
        earlier = Path(self.log).stat().st_mtime < self.started - CLOCKS
        return earlier or DONE.search(progress.last_line(self.log)) is not None

    @property
    def seconds(self) -> float:
        """How long it runs, without the time in a queue where that is known."""
        return time.time() - max(self.started, self.standing.started if self.standing else 0.0)

    @property
    def fraction(self) -> float | None:
        """How much of it is done, where it says so."""
        if self.standing is None or not self.standing.total:
            return None
        return self.standing.done / self.standing.total


class RunState:
    """Jobs of one run: how many of each rule, which run, which failed, what they warned of.

    Written by the thread that handles the events, read by the one that draws: each method holds
    the lock for as long as it lasts, and none of them prints.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.started = time.time()
        self.planned: dict[str, int] = {}
        self.total = 0
        self.done = 0
        self.running: dict[int, JobState] = {}
        self.failed: dict[int, JobState] = {}
        self.warnings: Counter[str] = Counter()
        self.made: list[str] = []
        self._ended: Counter[str] = Counter()
        self._seconds: dict[str, float] = defaultdict(float)
        self._named: list[str] | None = None

    def plan(self, stats: Mapping[str, int]) -> None:
        """stats: how many jobs of each rule, and the key ``total``."""
        with self.lock:
            self.planned = {rule: count for rule, count in stats.items() if rule != "total"}
            self.total = stats["total"]

    def start(self, jobid: int, event: Mapping[str, Any]) -> JobState:
        """event: what Snakemake tells of a job when it starts."""
        log = event["log"][0] if event["log"] else None
        results, _, below = (log or "").rpartition("/logs/")
        with self.lock:
            job = JobState(
                rule=event["rule_name"],
                step=Path(below).with_suffix("").parts[0] if below else event["rule_name"],
                factors=dict(event["wildcards"] or {}),
                log=log,
                files=[*event["output"]] or [*event["input"]],
            )
            if self._named is None and below:
                self._named = status.several(status.read_planned(results))
            self.running[jobid] = job
            self.failed.pop(jobid, None)
            return job

    def finish(self, jobid: int) -> JobState | None:
        with self.lock:
            job = self.running.pop(jobid, None)
            if job is not None:
                self.done += 1
                self._ended[job.rule] += 1
                self._seconds[job.rule] += job.seconds
                self.made += job.files
            return job

    def fail(self, jobid: int) -> JobState | None:
        with self.lock:
            job = self.running.pop(jobid, None)
            if job is not None:
                self.failed[jobid] = job
            return job

    def culprits(self) -> list[JobState]:
        """The failed jobs. Snakemake tells all jobs of a submission as failed where one has."""
        with self.lock:
            failed = list(self.failed.values())
        return [job for job in failed if not job.ended_well] or failed

    def warn(self, sentence: str) -> bool:
        """Count a warning; returns whether it is new."""
        with self.lock:
            self.warnings[sentence] += 1
            return self.warnings[sentence] == 1

    def collect_warnings(self, job: JobState) -> list[str]:
        """Count what a job warned of; returns the sentences that are new."""
        sentences = progress.warnings_in(job.log) if job.log is not None else []
        return [sentence for sentence in sentences if self.warn(sentence)]

    def look(self) -> list[JobState]:
        """The running jobs, with what their progress files say now."""
        with self.lock:
            jobs = list(self.running.values())
        for job in jobs:
            if job.log is not None:
                job.standing = progress.standing(job.log)
        return jobs

    def words(self, job: JobState) -> str:
        """The job in words; factors of a setting of which the run has one are left out."""
        return progress.describe(job.step, job.factors, self._named or ())

    def seconds_left(self) -> float | None:
        """An estimate from the mean time of each rule so far, and from how far its jobs are.

        A rule of which nothing is known yet is taken for an average one; None before anything is.
        """
        with self.lock:
            now = time.time()
            means = {rule: self._seconds[rule] / n for rule, n in self._ended.items()}
            running = list(self.running.values())
            for job in running:
                if job.rule not in means and job.fraction:
                    means[job.rule] = job.seconds / job.fraction
            if not means:
                return None
            typical = sum(means.values()) / len(means)
            open_jobs = Counter(self.planned)
            open_jobs.subtract(self._ended)
            work = sum(
                max(0, count) * means.get(rule, typical) for rule, count in open_jobs.items()
            )
            work -= sum(min(job.seconds, means.get(job.rule, typical)) for job in running)
            busy = sum(self._seconds.values()) + sum(job.seconds for job in running)
            at_once = max(1.0, busy / max(now - self.started, 1e-9))
            return max(0.0, work / at_once)

    def places(self) -> dict[str, str]:
        """Where the results lie that this run made: title -> path."""
        found: dict[str, str] = {}
        for path in map(Path, self.made):
            if path.name == "report.html":
                found["Report"] = str(path)
            elif path.parent.name in ("tables", "figures"):
                found[path.parent.name.capitalize()] = str(path.parent)
        return {title: found[title] for title in ("Report", "Tables", "Figures") if title in found}


def error_of(job: JobState) -> str:
    """Why a job failed, in one sentence that ends with where its log lies."""
    if job.log is None or not Path(job.log).exists():
        return "it ended before it could write to a log; what it printed stands above"
    said = progress.last_line(job.log)
    ends = f"ends with '{said}'" if said else "is empty"
    killed = f"it was killed, or ran out of memory or time; its log {ends}"
    return f"{progress.error_in(job.log) or killed} (log: {job.log})"
