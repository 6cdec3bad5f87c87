"""How fast the training core is, against a plain PyTorch loop and against the machine's limit.

Each row is measured for the plain loop (benchmarks/plain.py) and for fal in turn, several times
over, so that whatever else the machine does meets both alike; rates are medians. On a CPU that is
done in two ways: in one process with all threads, and in as many one-thread processes as there are
cores, whose rates are added. The limit is the rate of the network's largest convolution alone, in
float32, measured in between in the same two ways.

    python benchmarks/training.py --repeats 3
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
import workload
from workload import (
    DISTILLATION_EPOCHS,
    EPOCHS,
    EVALUATED,
    EXTRACTED,
    LABELED,
    Options,
    Workload,
)

MFLOP_PER_SAMPLE = 81  # forward and backward of the paper's network's products at 32x32
PAPER_SAMPLES = 35e6  # of a run: 7 trainings with 250, 500, ... images of each of 10 clients
PAPER_QUERIES = 6 * 10


class Row(NamedTuple):
    """A piece of work: ``count`` of ``unit``. Without ``workers`` it is run in one process only."""

    title: str
    unit: str
    count: float
    plain: str
    fast: str
    workers: bool = True


def make_rows(options: Options, bf16: bool) -> dict[str, Row]:
    rows = {}
    for size in (250, 1000):
        title = f"FedAvg round, clients of {size} images"
        work = options.clients(size) * size * EPOCHS
        plain = f"plain_round:{size}"
        rows[f"round {size}"] = Row(title, "samples", work, plain, f"fast_round:{size}")
        if bf16:
            fast = f"fast_round:{size}:bf16"
            rows[f"round {size} bf16"] = Row(f"{title}, bf16", "samples", work, plain, fast)
    rows["features"] = Row(
        "features and softmax", "images", EXTRACTED, "plain_features", "fast_features"
    )
    title = f"IFAL query without distillation, U = {options.unlabeled}"
    rows["query"] = Row(title, "queries", 1, "plain_query", "fast_query", workers=False)
    title = f"distillation, clients of {LABELED} images"
    work = options.clients(LABELED) * LABELED * DISTILLATION_EPOCHS
    rows["distillation"] = Row(title, "samples", work, "plain_distillation", "fast_distillation")
    rows["evaluation"] = Row(
        "evaluation", "images", EVALUATED, "plain_evaluation", "fast_evaluation"
    )
    return rows


_workload: Workload


def prepare(options: Options, threads: int) -> None:
    global _workload
    _workload = Workload(options, threads)


def run(name: str) -> None:
    _workload.run(name)


class Machine:
    """Runs work in this process with all threads, or in a one-thread worker for each core."""

    def __init__(self, options: Options, cores: int):
        prepare(options, cores)
        self.workers = cores if cores > 1 and options.device == "cpu" else 0
        if self.workers:
            context = multiprocessing.get_context("spawn")
            self.pool = context.Pool(self.workers, prepare, (options, 1))

    def rate(self, name: str, count: float, in_workers: bool) -> float:
        """What is done of ``count`` in a second, by all processes together."""
        begin = time.perf_counter()
        if in_workers:
            self.pool.map(run, [name] * self.workers, chunksize=1)
            count *= self.workers
        else:
            run(name)
        return count / (time.perf_counter() - begin)


Rates = dict[tuple[str, str, bool], float]
"""Median rate by row, side (plain or fast) and whether in workers."""


def measure(machine: Machine, rows: dict[str, Row], repeats: int) -> Rates:
    """All rows in turn, ``repeats`` times."""
    gflop = workload.CONVOLUTIONS * workload.CONVOLUTION_GFLOP
    jobs = []
    for key, row in rows.items():
        for in_workers in (False, True)[: 1 + bool(machine.workers)]:
            jobs.append((("convolution", "fast", in_workers), "convolution", gflop))
            if row.workers or not in_workers:
                jobs.append(((key, "plain", in_workers), row.plain, row.count))
                jobs.append(((key, "fast", in_workers), row.fast, row.count))
    for in_workers in (False, True)[: 1 + bool(machine.workers)]:
        machine.rate("convolution", 1, in_workers)  # starts the workers
    rates: dict[tuple[str, str, bool], list[float]] = {}
    for repeat in range(repeats):
        for key, name, count in jobs:
            rates.setdefault(key, []).append(machine.rate(name, count, key[2]))
        print(f"pass {repeat + 1} of {repeats}", file=sys.stderr, flush=True)
    return {key: statistics.median(values) for key, values in rates.items()}


def table(rows: dict[str, Row], rates: Rates) -> list[dict[str, str]]:
    """One line per row, in one process and in workers."""
    lines = []
    for key, row in rows.items():
        for in_workers in (False, True):
            if (key, "fast", in_workers) not in rates:
                continue
            plain, fast = (rates[key, side, in_workers] for side in ("plain", "fast"))
            best = max(rates[key, "plain", w] for w in (False, True) if (key, "plain", w) in rates)
            share = ""
            if key.startswith("round"):
                limit = rates["convolution", "fast", in_workers]
                share = f"{fast * MFLOP_PER_SAMPLE / 1e3 / limit:.0%}"
            lines.append(
                {
                    "work": row.title,
                    "unit": f"{row.unit}/s",
                    "run in": "one-thread processes" if in_workers else "one process",
                    "plain": f"{plain:.4g}",
                    "fal": f"{fast:.4g}",
                    "times plain": f"{fast / plain:.2f}",
                    "times plain in one process": f"{fast / rates[key, 'plain', False]:.2f}",
                    "times best plain": f"{fast / best:.2f}",
                    "of the limit": share,
                }
            )
    return lines


def extrapolation(rates: Rates) -> str:
    """What one run of the paper on CIFAR-10 takes at the measured rates."""

    def best(key):
        return max(rates[key, "fast", w] for w in (False, True) if (key, "fast", w) in rates)

    training = PAPER_SAMPLES / best("round 1000")
    queries = PAPER_QUERIES / best("query")
    epoch = sum(250 * m for m in range(1, 7)) * 10 / best("distillation")
    return (
        f"One IFAL run of the paper on CIFAR-10, extrapolated: training {training / 3600:.1f} h, "
        f"queries {queries / 60:.1f} min, distillation {epoch * 100 / 3600:.1f} h for every 100 "
        "epochs that it takes until it stops early"
    )


def machine_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--repeats", type=int, default=3, help="measured passes (3)")
    parser.add_argument(
        "--samples", type=int, default=1000, help="labeled images of all clients (1000)"
    )
    parser.add_argument("--unlabeled", type=int, default=4750, help="images of the query (4750)")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="to use (all)")
    parser.add_argument("--rows", nargs="+", help="only rows whose name begins with one of these")
    parser.add_argument("--bf16", action="store_true", help="rounds in mixed precision, too")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write table and rates as JSON")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    options = Options(arguments.device, arguments.samples, arguments.unlabeled)
    rows = make_rows(options, arguments.bf16)
    if arguments.rows:
        rows = {key: row for key, row in rows.items() if key.startswith(tuple(arguments.rows))}
    machine = Machine(options, arguments.cores)
    rates = measure(machine, rows, arguments.repeats)
    name = machine_name(arguments.device)
    limits = [f"{rate:.0f}" for (key, _, _), rate in rates.items() if key == "convolution"]
    print(f"{name}, {arguments.cores} cores, torch {torch.__version__}")
    print(f"float32 convolution: {' / '.join(limits)} GFLOP/s (one process / workers)\n")
    lines = table(rows, rates)
    print(f"| {' | '.join(lines[0])} |\n|{'---|' * len(lines[0])}")
    for line in lines:
        print(f"| {' | '.join(line.values())} |")
    if {"round 1000", "query", "distillation"} <= rows.keys():
        print(f"\n{extrapolation(rates)}")
    if arguments.out:
        saved = {" / ".join(map(str, key)): rate for key, rate in rates.items()}
        arguments.out.write_text(json.dumps({"machine": name, "table": lines, "rates": saved}))


if __name__ == "__main__":
    main()
