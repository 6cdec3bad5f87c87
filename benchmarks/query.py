"""How long a query takes and how much memory: every strategy on one client of each data set.

Made-up outputs of the size that the paper's models give; a query is ``score`` and ``select``.
Training, distillation and feature extraction are no part of it. Each query runs in a process of
its own, of whose memory torch itself takes some 500 MiB. The growth with U is the exponent e of
seconds ~ U^e, fitted over pools of a quarter, a half and all of the client's images; the budget, a
share of them, grows along. It is not given for queries of less than a tenth of a second. CPU s is
the time of all threads together; on a busy machine, trust it more than the seconds.

    python benchmarks/query.py --threads 2 --out query.csv

With --published each query is followed by that of its authors' code (published.py) in the same
process, for the strategies that have one; the last column is its CPU seconds. Its LoGo needs
minutes on the client of Tiny-ImageNet.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from fal.memory import keep_freed_memory
from fal.query import strategies

SIZES = {
    "CIFAR-10": {"labeled": 250, "unlabeled": 4750, "features": 256, "classes": 10},
    "CIFAR-100": {"labeled": 250, "unlabeled": 4750, "features": 256, "classes": 100},
    "Tiny-ImageNet": {"labeled": 500, "unlabeled": 9500, "features": 1024, "classes": 200},
}
BUDGET = 0.05
SHARES = (0.25, 0.5, 1)
REPEATS = 3
QUICK = 2.0
TOO_QUICK = 0.1
COLUMNS = (
    "strategy",
    "data set",
    "U",
    "D",
    "C",
    "budget",
    "seconds",
    "CPU s",
    "peak MiB",
    "growth",
)
PUBLISHED = "published CPU s"


def make_pool(labeled: int, unlabeled: int, features: int, classes: int, roles):
    """A client with few large classes; its examples lie near a class center or between two.

    Each model sees an example at another place between the two, and noise that is
    stronger for some examples than for others.
    """
    import numpy as np
    import torch

    from fal.outputs import Outputs
    from fal.query.pool import Pool

    rng = torch.Generator().manual_seed(0)
    size = labeled + unlabeled
    shares = torch.from_numpy(np.random.default_rng(0).dirichlet([0.1] * classes))
    label, other = torch.multinomial(shares, 2 * size, True, generator=rng).view(2, size)
    centers = torch.randn(classes, features, generator=rng)
    hardness, ambiguity = torch.rand(2, size, 1, generator=rng)
    outputs = {}
    for role in roles:
        toward_other = (0.8 * ambiguity * torch.rand(size, 1, generator=rng)).expand(size, features)
        noise = 2 * (1 + hardness) * torch.randn(size, features, generator=rng)
        points = (torch.lerp(centers[label], centers[other], toward_other) + noise).relu_()
        outputs[role] = Outputs(points, points @ centers.T * 8 / features)
    return Pool(0, 0, classes, np.arange(unlabeled), label[:labeled].numpy(), outputs)


def measure(
    name: str, size: dict[str, int], threads: int, with_published: bool
) -> dict[str, float]:
    """Seconds (of the best of some repeats, if quick), CPU seconds and peak memory of a query."""
    import torch

    torch.set_num_threads(threads)
    keep_freed_memory()  # as every job does
    strategy = strategies.create(name)
    pool = make_pool(**size, roles=strategy.needs)
    authors = None
    if with_published:
        from published import QUERIES

        authors = QUERIES.get(name)
    budget = round(BUDGET * (size["labeled"] + size["unlabeled"]))
    best = (float("inf"), float("inf"))
    theirs = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter(), time.process_time()
        strategy.select(pool, strategy.score(pool), budget, seed=0)
        end = time.perf_counter(), time.process_time()
        best = min(best, (end[0] - start[0], end[1] - start[1]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if authors:
            begin = time.process_time()
            authors(pool, budget)
            theirs = min(theirs, time.process_time() - begin)
        if best[0] > QUICK or (authors and theirs > QUICK):
            break
    result = {"seconds": best[0], "CPU s": best[1], "peak MiB": peak, "budget": budget}
    return result | ({PUBLISHED: theirs} if authors else {})


def measure_apart(
    name: str, size: dict[str, int], threads: int, with_published: bool
) -> dict[str, float]:
    """``measure`` in a new process."""
    command = [sys.executable, __file__, "--threads", str(threads), "--one", name, json.dumps(size)]
    command += ["--published"] if with_published else []
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
    )
    return json.loads(done.stdout)


def growth(sizes: list[int], seconds: list[float]) -> float:
    """Slope of log(seconds) over log(sizes)."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def row(
    name: str, data_set: str, threads: int, shares: tuple[float, ...], with_published: bool
) -> dict[str, object]:
    """One line of the table."""
    full = SIZES[data_set]
    pools, seconds = [], []
    for share in shares:
        parts = {key: round(share * full[key]) for key in ("labeled", "unlabeled")}
        last = share == shares[-1]
        result = measure_apart(name, full | parts, threads, with_published and last)
        pools.append(parts["unlabeled"])
        seconds.append(result["seconds"])
    fitted = len(pools) > 1 and seconds[-1] >= TOO_QUICK
    theirs = {PUBLISHED: round(result[PUBLISHED], 3) if PUBLISHED in result else ""}
    return {
        "strategy": name,
        "data set": data_set,
        "U": full["unlabeled"],
        "D": full["features"],
        "C": full["classes"],
        "budget": result["budget"],
        "seconds": round(seconds[-1], 3),
        "CPU s": round(result["CPU s"], 3),
        "peak MiB": round(result["peak MiB"]),
        "growth": round(growth(pools, seconds), 2) if fitted else "",
        **(theirs if with_published else {}),
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of each query (2)")
    parser.add_argument(
        "--strategies",
        nargs="+",
        metavar="NAME",
        help="names, or path/to/file.py:Class (all built-in ones; with --published, its four)",
    )
    parser.add_argument(
        "--sizes", nargs="+", default=list(SIZES), choices=SIZES, help="which clients (all)"
    )
    parser.add_argument(
        "--no-growth", action="store_true", help="only the full pools: three times as fast"
    )
    parser.add_argument(
        "--published", action="store_true", help="measure the authors' own procedures, too"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table as CSV, too")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    if arguments.one:
        name, size = arguments.one
        found = measure(name, json.loads(size), arguments.threads, arguments.published)
        print(json.dumps(found))
        return
    names = arguments.strategies or list(strategies.STRATEGIES)
    if arguments.published and not arguments.strategies:
        from published import QUERIES

        names = list(QUERIES)
    for name in names:
        strategies.create(name)
    shares = SHARES[-1:] if arguments.no_growth else SHARES
    columns = (*COLUMNS, *([PUBLISHED] if arguments.published else []))
    rows = []
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    for name in names:
        for data_set in arguments.sizes:
            rows.append(row(name, data_set, arguments.threads, shares, arguments.published))
            print(f"| {' | '.join(str(rows[-1][column]) for column in columns)} |", flush=True)
    if arguments.out:
        with arguments.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
