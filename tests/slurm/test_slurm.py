"""The miniature on a real Slurm that disturbs it in every way: the same bytes as undisturbed."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digests import digests
from slurm import accounting
from slurm import cluster as slurm
from slurm.cluster import Cluster
from slurm.daemons import missing


def needs(*programs: str) -> pytest.MarkDecorator:
    lacking = missing(programs)
    reason = f"Slurm is not tested: {', '.join(lacking)} not installed"
    return pytest.mark.skipif(bool(lacking), reason=reason)


pytestmark = [pytest.mark.cluster, needs(*slurm.PROGRAMS)]

ROOT = Path(__file__).parents[2]
RUN = [
    *("--configfile", str(ROOT / "experiments" / "miniature.yaml")),
    *("--config", "compute={checkpoint_seconds: 0}"),
]
# A question comes later by 10 s each time that nothing ended: most jobs end before the first one.
ON_SLURM = [
    *("--profile", str(ROOT / "profiles" / "slurm")),
    *("--slurm-init-seconds-before-status-checks", "14"),
]
ALIVE = ("PENDING", "RUNNING", "STOPPED", "COMPLETING")
SEED = "digits/alpha-0.1/clients-4/seed-1"
CYCLES = f"runs/{SEED}/cnn/fedavg"


def command(folder: Path, *arguments: str, target: str = "tables") -> list[str]:
    where = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return [sys.executable, "-m", "snakemake", target, *where, *RUN, *arguments]


class Workflow:
    """Snakemake, making ``target`` in ``folder`` on ``cluster``: one process after another."""

    def __init__(self, folder: Path, cluster: Cluster, target: str = "tables"):
        self.folder, self.cluster, self.target = folder, cluster, target
        self.log = folder / "snakemake.out"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command(self.folder, *ON_SLURM, *arguments, target=self.target),
                env=self.cluster.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def steps(self, *states: str) -> dict[str, str]:
        """Ids of the jobs in these states, or in any, by comment: the group and its rules."""
        jobs = self.cluster.jobs()
        return {j["comment"]: j["id"] for j in jobs if not states or j["state"] in states}

    def job(self, name: str, *states: str) -> str:
        """The id of the job in one of these states whose comment has ``name`` in it, or nothing."""
        return next((i for comment, i in self.steps(*states).items() if name in comment), "")

    def started(self, *names: str) -> bool:
        return all(self.job(name, "RUNNING", "COMPLETING", "COMPLETED") for name in names)

    def wait(self, what: str, true: Callable[[], object], seconds: float = 400) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                jobs = "\n".join(map(str, self.cluster.jobs()))
                pytest.fail(f"waited in vain: {what}\n{jobs}\n{self.log.read_text()}")
            time.sleep(0.05)

    def wait_for_success(self, snakemake: subprocess.Popen[bytes], seconds: float) -> None:
        self.wait("the end of Snakemake", lambda: snakemake.poll() is not None, seconds)
        assert snakemake.returncode == 0, self.log.read_text()

    def wait_for_checkpoint(self, cycle: str, of: str = "result") -> None:
        path = self.file(f"{CYCLES}/{cycle}/.checkpoint-{of}.safetensors")
        self.wait(f"a checkpoint of {cycle}'s {of}", path.exists)

    def hang(self, name: str, cycle: str) -> str:
        """Stop the processes of a job in the middle of its training; returns the job's id."""
        self.wait_for_checkpoint(cycle)
        job = self.job(name, "RUNNING")
        self.cluster.signal("STOP", job)
        return job

    def file(self, name: str) -> Path:
        return self.folder / "results" / name


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_a_run_that_the_cluster_disturbs_ends_with_the_bytes_of_a_local_one(cluster, tmp_path):
    local, folder = tmp_path / "local", tmp_path / "slurm"
    folder.mkdir()
    run = Workflow(folder, cluster)

    # While the first training hangs, slurmctld restarts: between two questions of Snakemake, which
    # asks just before it submits, and before the new job has started its step.
    snakemake = run.start()
    training = run.hang("initial_0", "initial/cycle-0")
    run.wait("the second training", lambda: run.job("random_1_train", "PENDING", "RUNNING"))
    cluster.stop_controller()
    cluster.start_controller()
    # The node is drained: what Snakemake submits now has to queue.
    run.wait("both jobs of the cycle", lambda: run.started("random_1_train", "random_1_query"))
    cluster.drain()
    run.wait("the third training", lambda: run.job("random_2", "PENDING"))

    # Snakemake is killed: the next one names what is queued and running, and submits nothing.
    snakemake.kill()
    snakemake.wait()
    submitted = run.steps()
    queued = run.job("random_2", "PENDING")
    assert run.start().wait(120) == 1
    sentence = next(line for line in run.log.read_text().splitlines() if "earlier run" in line)
    orphans = run.steps(*ALIVE).values()
    assert {training, queued} <= {*orphans} and all(f"{job} (" in sentence for job in orphans)
    assert run.steps() == submitted
    # What is queued is cancelled, what runs ends by itself, and what it did counts.
    cluster.ask("scancel", queued)
    cluster.signal("CONT", training)
    run.wait("the end of the orphans", lambda: not run.steps(*ALIVE))
    cluster.resume()
    found = digests(folder / "results")
    kept = {name: of for name, of in found.items() if ".checkpoint-" not in name}
    assert f"{CYCLES}/initial/cycle-0/kd.safetensors" in kept

    # Of the next run one training hangs until its time is over, one cycle is cancelled in its
    # distillation, and one training is told that its time will be over.
    snakemake = run.start(
        "--set-resources",
        "train_cycle:runtime=1 * attempt",
        "train_cycle:slurm_extra='--signal=USR1@5'",
    )
    late = run.hang("random_2", "random/cycle-2")
    run.wait_for_checkpoint("ifal/cycle-1", of="kd")
    cancelled = run.job("ifal_1", "RUNNING")
    cluster.ask("scancel", cancelled)
    run.wait_for_checkpoint("ifal/cycle-2")
    told = run.job("ifal_2", "RUNNING")
    cluster.signal("USR1", told)
    subprocess.run(command(local, "--cores", "1"), check=True, capture_output=True, timeout=900)
    run.wait_for_success(snakemake, 900)

    states = {job["id"]: job["state"] for job in cluster.jobs()}
    # Slurm wakes a job before it ends it, and this one may be quick enough to end by itself.
    assert states[late] in ("TIMEOUT", "FAILED")
    assert (states[cancelled], states[told]) == ("CANCELLED", "FAILED")
    expected, found = digests(local / "results"), digests(folder / "results")
    assert found | expected == found and kept | found == found
    # What stays besides: what an orphan left and nobody needs, half of what was being written.
    others = {Path(name).name for name in found.keys() - expected}
    assert {name for name in others if not name.startswith(".tmp")} <= {"clients.safetensors"}
    for cycle in ("random/cycle-2", "ifal/cycle-1", "ifal/cycle-2"):
        log = next(run.file("logs").glob(f"train*/{SEED}/cnn/fedavg/{cycle}.log")).read_text()
        done = int(re.search(r"(\d+) of 10 rounds were done", log)[1])
        assert done == 10 if cycle == "ifal/cycle-1" else done > 0
    assert not list(folder.rglob(".checkpoint-*"))


def test_what_is_preempted_slurm_itself_runs_again_and_it_goes_on_from_its_checkpoint(
    cluster, tmp_path
):
    before = {job["id"] for job in cluster.jobs()}
    run = Workflow(tmp_path, cluster, f"results/{CYCLES}/initial/cycle-0/result.json")
    snakemake = run.start()
    run.hang("initial_0", "initial/cycle-0")
    cluster.preempt()
    run.wait_for_success(snakemake, 600)
    trained = [
        job for job in cluster.jobs() if "train" in job["comment"] and job["id"] not in before
    ]
    assert len(trained) == 1, "Snakemake did not submit it a second time"
    assert "Restarts=1 " in cluster.ask("scontrol", "show", "job", trained[0]["id"])
    log = next(run.file("logs").glob(f"train*/{SEED}/cnn/fedavg/initial/cycle-0.log")).read_text()
    assert int(re.search(r"(\d+) of 10 rounds were done", log)[1]) > 0


@needs(*accounting.PROGRAMS)
def test_a_cluster_with_accounting_books_the_jobs_on_the_account_that_lets_them_in(tmp_path):
    with Cluster(tmp_path, account="laboratory") as cluster:
        asked = "sbatch --account=others --output=/dev/null --wrap=true"
        refused = subprocess.run(asked.split(), env=cluster.environment, capture_output=True)
        assert b"Invalid account" in refused.stderr
        run = Workflow(tmp_path, cluster, f"results/{CYCLES}/initial/cycle-0/result.json")
        snakemake = run.start()
        run.wait_for_checkpoint("initial/cycle-0")
        cluster.ask("scancel", run.job("initial_0", "RUNNING"))
        run.wait_for_success(snakemake, 600)
        booked = cluster.ask(
            *("sacct", "--noheader", "--parsable2", "--allocations", "--format=Account,State%40")
        ).splitlines()
    assert sorted(line.split(" by ")[0] for line in booked) == [
        *(["laboratory|CANCELLED"]),
        *(["laboratory|COMPLETED"] * 3),
    ]
