"""How far a run is, from its folder alone: ``python -m fal.reporting.status [results]``.

It reads what any run leaves, so it tells of one that runs elsewhere, that is over, or that was
killed, and it changes nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fal import progress
from fal.errors import InputError
from fal.layout import RUN, SETTING, SHARED, Layout, fill, parse_path, setting_name
from fal.progress import describe
from fal.storage import replacing
from fal.verify import results_folder

PLANNED = "planned.json"
"""The file in a results folder that says which cycles of which runs were asked for."""

Factors = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """A job that runs, failed or was killed: what it is, what is known of it, where its log is."""

    words: str
    state: str
    log: Path

    def __str__(self) -> str:
        return f"{self.words}: {self.state} (log: {self.log})"


@dataclass(frozen=True)
class RunStatus:
    """One run: how many of its cycles are trained, and the accuracy (percent) of the last one.

    cycles: how many were asked for, None if that is unknown.
    """

    run: Factors
    trained: int
    cycles: int | None
    accuracy: float | None


@dataclass(frozen=True)
class Status:
    """All that a results folder tells."""

    runs: list[RunStatus]
    running: list[Job]
    failed: list[Job]
    killed: list[Job]


def write_planned(results: str | Path, runs: Iterable[Factors]) -> None:
    """Leave word of the runs that were asked for, one for each cycle, with the factors ``RUN``."""
    cycles = [{factor: run[factor] for factor in RUN} for run in runs]
    with replacing(Path(results) / PLANNED) as temporary:
        temporary.write_text(json.dumps(cycles) + "\n")


def read_planned(results: str | Path) -> list[dict[str, Any]]:
    """What ``write_planned`` wrote; nothing if it is not there."""
    try:
        return json.loads((Path(results) / PLANNED).read_text())
    except (OSError, ValueError):
        return []


def planned_cycles(planned: Iterable[Factors], run: Factors) -> int:
    """How many cycles of a run, which the factors ``RUN`` but the cycle name, were asked for."""
    return sum(run.items() <= cycle.items() for cycle in planned)


def several(runs: Iterable[Factors]) -> list[str]:
    """The factors of a setting of which ``runs`` have more than one value."""
    runs = list(runs)
    return [factor for factor in SETTING if len({str(run[factor]) for run in runs}) > 1]


def look(results: str | Path) -> Status:
    """Read a results folder.

    Raises InputError if there is none.
    """
    results = results_folder(results)
    planned = read_planned(results)
    runs = _planned_runs(results, planned) if planned else _found_runs(results)
    named = several(status.run for status in runs)
    status = Status(runs, [], [], [])
    logs = results / "logs"
    for log in sorted(logs.rglob("*.log")):
        words = _words(log.relative_to(logs), named)
        standing = progress.standing(log)
        if standing is not None:
            age = _ago(standing.started)
            if standing.alive():
                state = ", ".join(filter(None, [standing.words, f"started {age}"]))
                status.running.append(Job(words, state, log))
            else:
                at = f" at {standing.words}" if standing.words else ""
                status.killed.append(Job(words, f"killed{at}, started {age}", log))
        elif error := progress.error_in(log):
            status.failed.append(Job(words, f"{error}, {_ago(log.stat().st_mtime)}", log))
    return status


def text(results: str | Path, status: Status) -> str:
    """The status in plain text."""
    lines = []
    trained = sum(run.trained for run in status.runs)
    if all(run.cycles is not None for run in status.runs):
        total = sum(run.cycles or 0 for run in status.runs)
        percent = 100 * trained // max(1, total)
        lines += [f"{results}: {trained} of {total} cycles are trained ({percent}%)"]
    else:
        lines += [f"{results}: {trained} cycles are trained"]
    lines += ["(cycle 0 counts for every strategy that shares it)"] if status.runs else []
    for name in dict.fromkeys(setting_name(run.run) for run in status.runs):
        lines += ["", *_table([r for r in status.runs if setting_name(r.run) == name], name)]
    for title, jobs in (
        ("Running", status.running),
        ("Killed (the same command goes on from there)", status.killed),
        ("Failed", status.failed),
    ):
        if jobs:
            lines += ["", f"{title}:", *(f"  {job}" for job in jobs)]
    if not status.running:
        lines += ["", "No job runs here now."]
    return "\n".join(lines)


def _planned_runs(results: Path, planned: list[dict[str, Any]]) -> list[RunStatus]:
    cycles: dict[tuple[Any, ...], list[int]] = {}
    for run in planned:
        key = tuple(run[factor] for factor in RUN if factor != "cycle")
        cycles.setdefault(key, []).append(int(run["cycle"]))
    factors = [factor for factor in RUN if factor != "cycle"]
    return [
        _run_status(results, dict(zip(factors, key, strict=True)), sorted(of_run), len(of_run))
        for key, of_run in cycles.items()
    ]


def _found_runs(results: Path) -> list[RunStatus]:
    cycles: dict[tuple[Any, ...], set[int]] = {}
    factors = [factor for factor in RUN if factor != "cycle"]
    pattern = fill(Layout(".").cycle("result.json"), dict.fromkeys(RUN, "*"))
    for path in results.glob(pattern.removeprefix("./")):
        run = parse_path(path)
        # The folder's own spelling of a number: 1.0 is written as 1.
        run["alpha"] = path.relative_to(results).parts[2].removeprefix("alpha-")
        cycles.setdefault(tuple(run[f] for f in factors), set()).add(run["cycle"])
    shared = RUN.index("strategy")
    runs = [
        _run_status(results, dict(zip(factors, key, strict=True)), sorted({0} | of_run), None)
        for key, of_run in sorted(cycles.items())
        if key[shared] != SHARED
    ]
    return runs or [
        _run_status(results, dict(zip(factors, key, strict=True)), sorted(of_run), None)
        for key, of_run in sorted(cycles.items())
    ]


def _run_status(results: Path, run: Factors, cycles: list[int], asked: int | None) -> RunStatus:
    accuracies = [a for cycle in cycles if (a := _accuracy(results, run, cycle)) is not None]
    return RunStatus(run, len(accuracies), asked, accuracies[-1] if accuracies else None)


def _accuracy(results: Path, run: Factors, cycle: int) -> float | None:
    strategies = [run["strategy"], SHARED] if cycle == 0 else [run["strategy"]]
    pattern = Layout(str(results)).cycle("result.json")
    for strategy in strategies:
        path = Path(fill(pattern, run, strategy=strategy, cycle=cycle))
        try:
            return float(json.loads(path.read_text())["accuracy"])
        except (OSError, ValueError, KeyError):
            continue
    return None


def _words(log: Path, named: list[str]) -> str:
    """The job of a log whose path is given below the folder of the logs, in words."""
    rule, *rest = log.with_suffix("").parts
    try:
        return describe(rule, parse_path("/".join(["runs", *rest])), named)
    except InputError:
        return " ".join([rule.replace("_", " "), *rest])


def _table(runs: list[RunStatus], title: str) -> list[str]:
    width = max(len("strategy"), *(len(str(run.run["strategy"])) for run in runs))
    rows = [f"  {'strategy':{width}}  {'seed':>4}  {'cycles':>8}  {'accuracy':>8}"]
    for run in runs:
        cycles = f"{run.trained}" if run.cycles is None else f"{run.trained} of {run.cycles}"
        accuracy = "-" if run.accuracy is None else f"{run.accuracy:.2f}%"
        name = str(run.run["strategy"])
        rows.append(f"  {name:{width}}  {run.run['seed']:>4}  {cycles:>8}  {accuracy:>8}")
    return [title, *rows]


def _ago(moment: float) -> str:
    return f"{progress.duration(time.time() - moment)} ago"


def main(arguments: list[str] | None = None) -> None:
    """Print the status of the results folder that the command line names."""
    parser = argparse.ArgumentParser(description="Tell how far a run is, from its results folder.")
    parser.add_argument("results", nargs="?", default="results", help="the folder it writes to")
    results = parser.parse_args(arguments).results
    try:
        status = look(results)
    except InputError as error:
        parser.exit(1, f"Error: {error}\n")
    print(text(results, status))


if __name__ == "__main__":
    main()
