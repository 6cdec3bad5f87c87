"""How cost grows with clients, images, classes and arrows.

Each axis is varied alone, everything else as in BASE: a federated round (FedAvg, one epoch of the
paper's network) for the number of clients and of images per client, a whole IFAL query of one
client (score and selection, without networks) for the unlabeled images U, the classes C and the
arrows K. Each point is measured in a process of its own, which also tells its peak memory. The
exponent e of seconds ~ x^e is fitted over the axis.

    python benchmarks/scaling.py --threads 2
"""

import argparse
import multiprocessing
import resource
import time

import numpy as np
import torch
import workload

from fal.data.images import Images
from fal.federated import algorithms, models
from fal.federated.options import LocalTraining
from fal.query import strategies
from fal.query.structure import BLOCK_BYTES
from query import growth, make_pool

BASE = {"clients": 10, "images": 64, "U": 4750, "classes": 10, "k": 250}
LABELED = 250
FEATURES = 256
BUDGET = 250
REPEATS = 3

AXES = {
    "clients": ("round", (5, 10, 20, 50, 100)),
    "images": ("round", (64, 128, 256, 512, 1024)),
    "U": ("query", (1000, 2000, 4000, 8000, 16000)),
    "classes": ("query", (10, 20, 50, 100, 200)),
    "k": ("query", (50, 100, 250, 500, 1000)),
}


def make_round(clients: int, images: int, **_: int):
    """A function that does one federated round of ``clients`` with ``images`` labeled images."""
    pixels, labels = workload.noisy_digits(clients * images)
    data = Images(torch.from_numpy(pixels), [0.5] * 3, [0.25] * 3, flip=True)
    examples = list(torch.arange(clients * images).split(images))
    cohort = workload.make_cohort(data, torch.from_numpy(labels), examples, LocalTraining())
    algorithm = algorithms.create("fedavg")
    state = algorithm.init(models.read(cohort.stacks.fresh(1, 0)), clients)
    return lambda: algorithm.apply(state, cohort, range(clients), 0, 0.01)


def make_query(U: int, classes: int, k: int, **_: int):
    """A function that queries one client with IFAL, given the networks' outputs."""
    strategy = strategies.create("ifal", k=k)
    pool = make_pool(LABELED, U, FEATURES, classes, strategy.needs)
    return lambda: strategy.select(pool, strategy.score(pool), BUDGET, seed=0)


def measure(kind: str, point: dict[str, int], threads: int) -> tuple[float, float]:
    """Median seconds, and the process's peak memory in MiB."""
    torch.set_num_threads(threads)
    work = {"round": make_round, "query": make_query}[kind](**point)
    work()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return float(np.median(seconds)), peak


def measure_apart(*arguments) -> tuple[float, float]:
    """``measure`` in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of each process (2)")
    parser.add_argument("--axes", nargs="+", default=list(AXES), choices=AXES, help="which (all)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    print("| axis | work | value | seconds | peak MiB | growth |\n|---|---|---:|---:|---:|---:|")
    for axis in arguments.axes:
        kind, values = AXES[axis]
        measured = [measure_apart(kind, BASE | {axis: v}, arguments.threads) for v in values]
        seconds = [s for s, _ in measured]
        for value, (second, peak) in zip(values, measured, strict=True):
            last = f"{growth(values, seconds):.2f}" if value == values[-1] else ""
            print(f"| {axis} | {kind} | {value} | {second:.3f} | {peak:.0f} | {last} |", flush=True)
    print(
        f"\nThe part that grows with U^2, similarities of neighbours, is made in blocks of "
        f"{BLOCK_BYTES // 2**20} MiB: memory grows with U (D + K)."
    )


if __name__ == "__main__":
    main()
