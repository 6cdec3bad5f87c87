"""What Snakemake gives to a script, for tests of jobs without Snakemake."""

from pathlib import Path
from types import SimpleNamespace

from snakemake.iocontainers import Namedlist

COMPUTE = {"device": "cpu", "threads": 1, "inference_batch": 64, "checkpoint_seconds": 0}


def given(results: Path, rule: str, inputs=None, outputs=None, params=None, wildcards=None):
    """The object ``snakemake`` of a job; inputs and outputs: paths below ``results`` by name."""

    def below(paths):
        return {name: str(results / path) for name, path in (paths or {}).items()}

    return SimpleNamespace(
        rule=rule,
        input=Namedlist(fromdict=below(inputs)),
        output=Namedlist(fromdict=below(outputs)),
        params=Namedlist(fromdict=params or {}),
        wildcards=Namedlist(fromdict=wildcards or {}),
        log=Namedlist([str(results / "logs" / f"{rule}.log")]),
        config={"compute": COMPUTE, "results": str(results)},
    )
