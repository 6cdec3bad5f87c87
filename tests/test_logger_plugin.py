"""What a run says: a toy workflow with real Snakemake, into a pipe and on a pseudo-terminal."""

import itertools
import os
import pty
import re
import signal
import time

import pytest

import snakemake_runs

pytestmark = pytest.mark.xdist_group("what a run says")

SNAKEFILE = """
import logging, sys
from fal.errors import InputError
configfile: f"{workflow.basedir}/config.yaml"
config["compute"] = {"threads": 1, "device": "cpu"}
if config.get("refused"):
    print("Error: refused is refused", file=sys.stderr)
    sys.exit(1)
if config.get("warned"):
    logging.getLogger("fal").warning("budget: 5 is small")

def needed(w):
    if config.get("lazy"):
        raise InputError("lazy is lazy")
    strategies = config.get("strategies", ["random", "ifal"])
    return expand("{r}/runs/{s}-{c}.txt", r=config["results"], s=strategies, c=[0, 1])

rule all:
    localrule: True
    input: f"{config['results']}/report.html"

rule report:
    input: needed
    output: f"{config['results']}/report.html"
    log: f"{config['results']}/logs/report.log"
    script: "step.py"

rule train_cycle:
    output: f"{config['results']}/runs/{{strategy}}-{{cycle}}.txt"
    log: f"{config['results']}/logs/train_cycle/{{strategy}}-{{cycle}}.log"
    params: seconds=config.get("seconds", 0)
    script: "step.py"
"""

STEP = """
import os, sys, time
from fal.errors import InputError
from fal.job import job
with job(snakemake) as run:
    print("noise")
    os.system("echo noise >&2")
    if snakemake.rule == "train_cycle":
        run.warn("a loss of 19,283 is large")
        watched = run.progress("round", 30)
        for done in range(30):
            time.sleep(snakemake.params.seconds / 30)
            watched.update(done + 1, loss=1 / (done + 1))
        match snakemake.wildcards.strategy:
            case "mistaken": raise InputError("mu is -1, but must be positive")
            case "buggy": raise RuntimeError("shapes differ")
            case "killed": os.kill(os.getpid(), 9)
    open(snakemake.output[0], "w").close()
"""

FILES = {
    "Snakefile": SNAKEFILE,
    "step.py": STEP,
    "config.yaml": "results: results\n",
    "profiles/default/config.yaml": "logger: fal\n",
    "broken.yaml": "results: results\ntraining:\n  rounds: 5\n   epochs: 3\n",
    "tab.yaml": "training:\n\trounds: 5\n",
    "open.yaml": "results: 'results\n",
    "list.yaml": "- a\n",
    "text.yaml": "some words\n",
    "empty.yaml": "",
    "broken/config.yaml": "cores: [1\n",
    "mistyped/config.yaml": "coers: 1\n",
    "nothing/readme": "",
    "a-file": "",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "latin.yaml").write_bytes("results: größe\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, cores="2"):
    """Run Snakemake for real: exit status and the lines it printed, without the profile's."""
    code, text = snakemake_runs.run("--cores", cores, *arguments)
    return code, [line for line in text.splitlines() if not line.startswith("Using ")]


MISTAKES = [
    (["--configfile", "nosuch.yaml"], "No such file or directory: 'nosuch.yaml'"),
    (["--configfile", "broken.yaml"], "broken.yaml, line 4"),
    (["--configfile", "tab.yaml"], "tab.yaml, line 2"),
    (["--configfile", "open.yaml"], "open.yaml, line 2"),
    (["--configfile", "list.yaml"], "keys at top level"),
    (["--configfile", "text.yaml"], "keys at top level"),
    (["--configfile", "empty.yaml"], "keys at top level"),
    (["--configfile", "latin.yaml"], "is not UTF-8"),
    (["--configfile", "profiles"], "Is a directory: 'profiles'"),
    (["--config", "training={rounds:", "5}"], "'5}' is not; a value with spaces needs quotes"),
    (["--config", "seeds"], "must be KEY=VALUE, and 'seeds' is not"),
    (["--config", "=5"], "must be KEY=VALUE"),
    (["--config", "1a=5"], "must be KEY=VALUE"),
    (["--config", "refused=1"], "refused is refused"),
    (["--config", "lazy=1"], "lazy is lazy"),
    (["--config", "results=a-file"], "Not a directory: 'a-file'"),
    (["--cores", "two"], "number of cores"),
    (["--cores"], "expected one argument"),
    (["--profile", "nosuch"], "profile directory given (nosuch)"),
    (["--profile", "broken"], "broken/config.yaml"),
    (["--profile", "mistyped"], "unrecognized arguments: --coers=1"),
    (["--profile", "nothing"], "profile directory given (nothing)"),
    (["--foo"], "unrecognized arguments: --foo"),
    (["--executor", "slrum"], "invalid choice: 'slrum'"),
    (["--rerun-triggers", "cdoe"], "invalid choice: 'cdoe'"),
    (["--logger", "nosuch"], "invalid choice: 'nosuch'"),
    (["--snakefile", "nosuch"], 'Snakefile "nosuch" not found'),
    (["--set-threads", "x"], "Invalid threads definition"),
    (["--directory", "/proc/nosuch"], "No such file or directory: '/proc/nosuch'"),
    (["--forcerun", "nosuch"], "No rule to produce nosuch"),
    (["nosuch"], "No rule to produce nosuch"),
]


@pytest.mark.parametrize(
    "arguments, part", MISTAKES, ids=lambda v: " ".join(v) if isinstance(v, list) else ""
)
def test_a_mistake_is_one_sentence_that_stands_alone(folder, arguments, part):
    cores = ["--cores", "1"] if arguments[0] != "--cores" else []
    code, text = snakemake_runs.run(*cores, *arguments)
    assert code in (1, 2)
    said = text.strip().splitlines()
    lines = [line for line in said if not line.startswith(("Using ", "Creating specified"))]
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error") and part in lines[0]
    assert "Traceback" not in lines[0]


def test_cores_missing_is_one_sentence(folder):
    code, text = snakemake_runs.run()
    assert code in (1, 2)
    assert text.splitlines()[-1].startswith("Error: cores have to be specified")


def test_a_run_says_what_it_did_where_to_look_and_what_it_warned_of(folder):
    code, lines = run("--config", "warned=1", "seconds=6", cores="4")
    assert code == 0
    assert not [line for line in lines if "noise" in line or "Reason" in line or "rule " in line]
    text = "\n".join(lines)
    assert re.search(r"^\d\d:\d\d:\d\d started train cycle 1 of ifal$", text, re.MULTILINE)
    assert re.search(r"finished train cycle 0 of random \(\d+ s\); \d of 6 jobs \(\d+%\)", text)
    log = (folder / "results/logs/train_cycle/ifal-1.log").read_text()
    assert log.count("noise") == 2
    assert lines.count("Warning: a loss of 19,283 is large") == 1
    assert "  a loss of 19,283 is large (4 times)" in lines
    assert "  budget: 5 is small" in lines
    assert "Report: results/report.html" in lines
    assert re.fullmatch(r"6 of 6 jobs done in \d+ s\.", lines[-1])
    assert len(lines) < 30
    code, lines = run("--config", "seconds=6")
    assert code == 0 and len(lines) == 1 and lines[0].startswith("Nothing to be done")


def test_a_dry_run_counts_the_jobs_of_each_rule(folder):
    code, lines = run("-n")
    assert code == 0
    assert [line.split() for line in lines[:4]] == [
        ["train_cycle", "4"],
        ["report", "1"],
        ["all", "1"],
        ["total", "6"],
    ]
    assert len(lines) < 15 and "dry-run" in lines[-1]
    assert not (folder / "results").exists()
    code, detailed = run("-n", "-p")
    assert sum("wildcards: strategy=ifal" in line for line in detailed) == 2


def test_each_failed_job_is_one_sentence_at_the_end(folder):
    faults = {
        "mistaken": "mu is -1, but must be positive",
        "buggy": "RuntimeError: shapes differ",
        "killed": "it was killed, or ran out of memory or time",
    }
    strategies = ", ".join(["random", *faults])
    code, lines = run("--keep-going", "--config", f"strategies=[{strategies}]")
    assert code == 1
    for strategy, cycle in itertools.product(faults, (0, 1)):
        [line] = (one for one in lines[-6:] if f"train cycle {cycle} of {strategy}:" in one)
        sentence = f"Error: train cycle {cycle} of {strategy}: {faults[strategy]}"
        assert line.startswith(sentence)
        assert line.endswith(f"(log: results/logs/train_cycle/{strategy}-{cycle}.log)")
    text = "\n".join(lines[:-6])
    for word in ("Error", "Traceback", "Exiting", "did not complete", "mu is", "differ"):
        assert word not in text


def test_a_retried_job_is_told(folder):
    code, lines = run("--retries", "1", "--keep-going", "--config", "strategies=[mistaken]")
    assert code == 1
    assert sum("failed and is tried again: mu is -1" in line for line in lines) == 4
    assert lines[-1].startswith("Error: ") and lines[-2].startswith("Error: ")


def on_a_terminal(*arguments, kill_after=None):
    """Run Snakemake on a pseudo-terminal of 100 columns; returns all that was written there."""
    master, slave = pty.openpty()
    child = snakemake_runs.start(
        *("--cores", "4", *arguments),
        **{"output": slave, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
    )
    os.close(slave)
    written = b""
    try:
        while True:
            try:
                written += os.read(master, 65536)
            except OSError:  # the last process has left the terminal
                break
            if kill_after is not None and kill_after.encode() in written:
                os.killpg(child.pid, signal.SIGKILL)
        child.join(60)
    finally:
        child.kill()
        os.close(master)
    return written.decode(errors="replace")


def test_a_terminal_shows_one_panel_that_goes_away(folder):
    screen = on_a_terminal("--config", "seconds=3")
    assert re.search(r"train cycle \d of \w+ .*round \d+ of 30, loss", screen)
    assert "of 6 jobs" in screen and "noise" not in screen
    assert "\x1b[?25l" not in screen and "\x1b[?1049h" not in screen
    assert "6 of 6 jobs done in" in screen.splitlines()[-1]


def test_after_kill_9_the_terminal_is_as_it_was(folder):
    screen = on_a_terminal("--config", "seconds=30", kill_after="round ")
    assert "\x1b[?25l" not in screen and "\x1b[?1049h" not in screen
    code, lines = run()
    assert code == 1
    [line] = lines
    assert "snakemake --unlock" in line


def test_time_left_follows_the_mean_of_each_rule_and_how_many_run_at_once(monkeypatch):
    from snakemake_logger_plugin_fal import state

    clock = [1000.0]
    monkeypatch.setattr(state.time, "time", lambda: clock[0])
    monkeypatch.setattr(state, "JobState", _with_clock(state.JobState, clock))
    seen = state.RunState()
    seen.plan({"train": 4, "report": 1, "total": 5})
    assert seen.seconds_left() is None
    event = {"wildcards": {}, "log": [], "output": ["x"], "input": [], "rule_name": "train"}
    for job in (1, 2):
        seen.start(job, event)
    clock[0] += 10
    seen.finish(1)
    seen.finish(2)
    for job in (3, 4):
        seen.start(job, event)
    assert seen.seconds_left() == pytest.approx(15)
    clock[0] += 4
    assert seen.seconds_left() == pytest.approx(11)
    assert seen.done == 2 and time.time() == 1014.0


def test_of_a_submission_that_failed_those_are_told_that_failed(tmp_path):
    from snakemake_logger_plugin_fal import state

    seen = state.RunState()
    ends = {
        "train_cycle": "20:00:00 train_cycle: done in 3.1 s",
        "distill_clients": "20:00:01 fal: Error: it does not converge",
        "query_clients": "yesterday, Error: something else",
        "other": "20:00:00 other: round 3 of 10",
    }
    for job, (step, end) in enumerate(ends.items()):
        log = tmp_path / "logs" / "exp" / "logs" / step / "cycle-1.log"
        log.parent.mkdir(parents=True)
        log.write_text(f"begun\n{end}\n")
        if step == "query_clients":
            os.utime(log, (1e9, 1e9))
        event = {"wildcards": {}, "output": ["x"], "input": [], "rule_name": step}
        seen.start(job, {**event, "log": [str(log)]})
    assert [job.step for job in seen.running.values()] == list(ends)
    for job in range(4):
        seen.fail(job)
    assert [job.step for job in seen.culprits()] == ["distill_clients", "other"]
    del seen.failed[1], seen.failed[3]
    assert len(seen.culprits()) == 2


def _with_clock(cls, clock):
    def make(**fields):
        return cls(started=clock[0], **fields)

    return make
