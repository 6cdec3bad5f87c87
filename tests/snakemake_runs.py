"""Real runs of Snakemake, each in a process of its own.

The processes are forked from one that has imported Snakemake already, which costs more than all
else that a small run does.
"""

import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("snakemake.cli", "snakemake.assets", "snakemake.notebook", "snakemake.profiles"),
        *("snakemake.report.html_reporter", "requests", "smart_open"),
    ]
)


def start(*arguments: str, output: int, **environment: str) -> BaseProcess:
    """Start ``snakemake ARGUMENTS`` in this folder, as the leader of a session.

    output: the descriptor of what it writes to, and reads from if that is a terminal.
    """
    passed = Connection(os.dup(output))
    process = FORKS.Process(target=_snakemake, args=(arguments, passed, Path.cwd(), environment))
    process.start()
    passed.close()
    return process


def run(*arguments: str) -> tuple[int | None, str]:
    """Exit status and all that is written by ``snakemake ARGUMENTS`` in this folder."""
    reader, writer = os.pipe()
    process = start(*arguments, output=writer)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as written:
        text = written.read()
    process.join()
    return process.exitcode, text


def _snakemake(
    arguments: tuple[str, ...], output: Connection, folder: Path, environment: dict[str, str]
) -> None:
    from snakemake.cli import main

    os.setsid()
    os.chdir(folder)
    os.environ.update(environment)
    terminal = os.isatty(output.fileno())
    given = output.fileno() if terminal else os.open(os.devnull, os.O_RDONLY)
    for stream, descriptor in enumerate((given, output.fileno(), output.fileno())):
        os.dup2(descriptor, stream)
    output.close()
    sys.argv = ["snakemake", *arguments]
    main(list(arguments))
