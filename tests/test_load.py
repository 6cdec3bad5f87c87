"""Two hundred jobs of which some fail: the others are done, and the next call does only those."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SEEDS = 100
FAILING = {seed for seed in range(1, SEEDS + 1) if seed % 12 == 0}

PARTITION = '''
"""Clients of equal size; while a file named broken lies here, some seeds fail in three ways."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from fal.data.partitions.independent import IID
from fal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Breaking(IID):
    def deal(self, labels, clients, alpha, seed):
        if Path(__file__).with_name("broken").exists() and seed % 12 == 0:
            if seed % 36 == 0:
                raise InputError(f"seed {seed} is not wanted")
            if seed % 36 == 24:
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError(f"seed {seed} does not work")
        return super().deal(labels, clients, alpha, seed)
'''


def snakemake(folder: Path) -> subprocess.CompletedProcess[str]:
    targets = [
        f"results/partitions/digits/alpha-none/clients-4/seed-{seed}/initial.npz"
        for seed in range(1, SEEDS + 1)
    ]
    command = [
        *(sys.executable, "-m", "snakemake", *targets, "--cores", "2", "--keep-going"),
        *("--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)),
        *("--configfile", str(folder / "load.yaml")),
    ]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900
    )


def test_all_that_can_be_done_is_done_and_the_failed_are_named_and_done_by_the_next_call(tmp_path):
    (tmp_path / "breaking.py").write_text(PARTITION)
    (tmp_path / "broken").touch()
    partition = {"breaking": {"method": f"{tmp_path / 'breaking.py'}:Breaking"}}
    load = {"partition": partition, "clients": [4], "strategies": ["random"]}
    load["seeds"] = list(range(1, SEEDS + 1))
    (tmp_path / "load.yaml").write_text(yaml.safe_dump(load))

    first = snakemake(tmp_path)
    assert first.returncode != 0
    done = 1 + 2 * (SEEDS - len(FAILING))
    assert f"{done} of {1 + 2 * SEEDS} jobs done" in first.stdout
    told = re.findall(
        r"^Error: partition clients, seed (\d+): (.*) \(log: (.*)\)$", first.stdout, re.M
    )
    assert {int(seed) for seed, _, _ in told} == FAILING and len(told) == len(FAILING)
    for seed, sentence, log in told:
        expected = {0: "is not wanted", 12: "RuntimeError", 24: "it was killed"}[int(seed) % 36]
        assert expected in sentence
        assert (tmp_path / log).exists()

    (tmp_path / "broken").unlink()
    second = snakemake(tmp_path)
    assert second.returncode == 0, second.stdout
    assert f"{2 * len(FAILING)} of {2 * len(FAILING)} jobs done" in second.stdout
