"""How fast other frameworks train the same clients: samples per CPU second on one thread.

The peers are installed into an environment of their own below --cache, which also sees the packages
of the running Python, so that all use the same PyTorch. Those that are no package are cloned from
GitHub; --source NAME=FOLDER takes a clone that is there already. A peer that cannot be had is left
out, and said so. All run in turn, several times over; a ratio is the median of the ratios of one
turn. What each does is in peer_rounds.py.

    python benchmarks/peers.py --repeats 3
"""

import argparse
import json
import os
import site
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import torch

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fal-peers"


class Peer(NamedTuple):
    """title; packages for pip; repository on GitHub, if the code is not among the packages."""

    title: str
    packages: tuple[str, ...] = ()
    repository: str = ""


PEERS = {
    "plain": Peer("a plain PyTorch loop"),
    "flower": Peer("Flower", ("flwr[simulation]==1.42.0",)),
    "fedlab": Peer("FedLab", ("fedlab==1.3.0",)),
    "fluke": Peer("fluke", ("fluke-fl==0.8.1",)),
    "pfllib": Peer("PFLlib", ("h5py",), "TsingZ0/PFLlib"),
    "ifal-authors": Peer("IFAL's authors", (), "chenchenzong/IFAL"),
}


class Unavailable(Exception):
    """Why a peer cannot be had."""


def command(arguments: list[str], timeout: float | None = None, **options) -> str:
    """Standard output; raises Unavailable with the last line of the errors."""
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, **options)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise Unavailable(f"{' '.join(arguments[:4])} ...: {lines[-1]}")
    return done.stdout


def environment(cache: Path, name: str) -> Path:
    """The Python of an environment for one peer that also sees the packages of this one."""
    packages = PEERS[name].packages
    if not packages:
        return Path(sys.executable)
    folder = cache / name
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        command([sys.executable, "-m", "venv", "--clear", str(folder)])
        where = command([str(python), "-c", "import site; print(site.getsitepackages()[0])"])
        link = f"import site; site.addsitedir({site.getsitepackages()[0]!r})\n"
        Path(where.strip(), "zz_shared.pth").write_text(link)
        print(f"{name}: installing {', '.join(packages)}", file=sys.stderr)
        command([str(python), "-m", "pip", "install", "--quiet", *packages])
        ready.touch()
    return python


def source(cache: Path, name: str, given: dict[str, Path]) -> list[str]:
    """The argument that names the folder of a peer's code; cloned if it is not given."""
    if name in given:
        return ["--source", str(given[name].resolve())]
    if not PEERS[name].repository:
        return []
    folder = cache / f"{name}-code"
    if not folder.exists():
        url = f"https://github.com/{PEERS[name].repository}"
        command(["git", "clone", "--quiet", "--depth", "1", url, str(folder)], 120)
    return ["--source", str(folder)]


def prepare(names: list[str], cache: Path, given: dict[str, Path]) -> dict[str, list[str]]:
    """How to run each peer that can be had; the others are told of."""
    rounds = str(HERE / "peer_rounds.py")
    commands = {"fal": [sys.executable, rounds, "fal"]}
    for name in names:
        try:
            folder = source(cache, name, given)
            commands[name] = [str(environment(cache, name)), rounds, name, *folder]
        except (Unavailable, subprocess.TimeoutExpired) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return commands


def measure(
    commands: dict[str, list[str]], options: list[str], repeats: int
) -> dict[str, list[float]]:
    """Rates of all peers, one for each turn; those that fail are told of and left out."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    settings = os.environ | alone | {"FLWR_TELEMETRY_ENABLED": "0", "WANDB_MODE": "disabled"}
    settings |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(HERE)}
    rates: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(repeats):
        for name in list(rates):
            try:
                answer = command([*commands[name], *options], env=settings)
            except Unavailable as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                del rates[name]
                continue
            rates[name].append(json.loads(answer)["rate"])
            print(f"turn {turn + 1}, {name}: {rates[name][-1]:.0f}", file=sys.stderr, flush=True)
    return rates


def parse_source(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if name not in PEERS or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=FOLDER with a peer and its clone")
    return name, Path(folder)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS, help="(all)")
    parser.add_argument("--repeats", type=int, default=3, help="turns (3)")
    parser.add_argument("--rounds", type=int, default=3, help="of a turn; one warms up (3)")
    parser.add_argument("--clients", type=int, default=4, help="of 256 images (4)")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="FOLDER", help=f"({CACHE})")
    parser.add_argument(
        "--source",
        type=parse_source,
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="a clone of a peer's code",
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    commands = prepare(arguments.peers, arguments.cache.resolve(), dict(arguments.source))
    options = ["--rounds", str(arguments.rounds), "--clients", str(arguments.clients)]
    rates = measure(commands, options, arguments.repeats)
    print(f"torch {torch.__version__}, {arguments.repeats} turns\n")
    print("| | samples per CPU second | fal is faster by |\n|---|---:|---:|")
    titles = {"fal": "fal"} | {name: peer.title for name, peer in PEERS.items()}
    for name, values in rates.items():
        ratios = [own / rate for own, rate in zip(rates["fal"], values, strict=True)]
        ratio = f"{statistics.median(ratios):.2f} x"
        print(f"| {titles[name]} | {statistics.median(values):.0f} | {ratio} |")


if __name__ == "__main__":
    main()
