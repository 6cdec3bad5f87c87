"""What the workflow itself costs: dry runs of the paper's grid, and the fixed cost of a job.

A dry run builds the whole graph of jobs. The fixed cost is the wall time of a training of one
round on the embedded digits, whose work takes a fraction of a second: the rest is the start of
the process, imports and loading.

    python benchmarks/overhead.py
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
CYCLE = "digits/alpha-0.1/clients-4/seed-1/cnn/fedavg/initial/cycle-0"


def snakemake(folder: str, *arguments: str) -> tuple[str, float, float]:
    """Run snakemake in ``folder``: its output, its wall seconds and its peak memory in MiB."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", folder, "--cores", "1", *arguments]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(output)
    return output, time.perf_counter() - start, usage.ru_maxrss / 1024


def dry_runs() -> None:
    print("| experiment | jobs | seconds | peak MiB |\n|---|---:|---:|---:|")
    total = [0, 0.0]
    for path in sorted(ROOT.glob("experiments/figure*.yaml")):
        with TemporaryDirectory() as folder:
            output, seconds, peak = snakemake(folder, "--dry-run", "--configfile", str(path))
        jobs = int(re.search(r"^total +(\d+)$", output, re.MULTILINE)[1])
        total = [total[0] + jobs, total[1] + seconds]
        print(f"| {path.stem} | {jobs} | {seconds:.1f} | {peak:.0f} |", flush=True)
    print(f"| all | {total[0]} | {total[1]:.1f} | |\n")


def fixed_cost() -> None:
    with TemporaryDirectory() as folder:
        snakemake(
            folder,
            *("--configfile", str(ROOT / "experiments" / "miniature.yaml")),
            *("--config", "training={rounds: 1, local_epochs: 1}", "--"),
            f"results/runs/{CYCLE}/result.json",
        )
        logs = Path(folder, "results", "logs", "train_cycle", CYCLE)
        record = logs.with_name(f"{logs.name}.benchmark.tsv").read_text()
        log = logs.with_name(f"{logs.name}.log").read_text()
    seconds = float(record.splitlines()[1].split("\t")[0])
    work = float(re.search(r"done in ([\d.]+) s", log)[1])
    print(f"A job's fixed cost: {seconds:.1f} s, of which {work:.1f} s after its imports.")


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    dry_runs()
    fixed_cost()


if __name__ == "__main__":
    main()
