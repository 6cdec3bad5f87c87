"""What long runs found, kept in the repository, and the document that is made from it.

``python -m fal.reporting.evidence keep RESULTS NAME`` keeps the tables of a finished run in
docs/data/NAME. ``python -m fal.reporting.evidence`` makes from them the figures of
docs/reproduction.md and what stands there between the markers ``<!-- evidence: NAME -->`` and
``<!-- end of evidence -->``. A marker may name several folders, whose runs add up. Between
``<!-- claims -->`` and ``<!-- end of claims -->`` stands what all of them say to docs/claims.yaml.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fal import progress
from fal.errors import InputError
from fal.layout import setting_title
from fal.reporting import (
    agreement,
    claims,
    drawing,
    drivers,
    formats,
    metrics,
    query_tables,
    tables,
    verdict_texts,
    verdicts,
)
from fal.reporting.accuracy_figures import Curves, accuracy_figure
from fal.reporting.grids import Grid, Panel
from fal.reporting.kept import CONFIG, Kept, keep, read
from fal.scale import Scale
from fal.storage import replacing, save_text

DOCS = Path(__file__).resolve().parents[3] / "docs"
DOCUMENT = "reproduction.md"
CLAIMS = "claims.yaml"

COLUMNS = "strategy,by,accuracy,difference,95 % interval,p better,p worse,seeds,smallest p"
"""The columns of ``fal.reporting.verdict_texts.comparisons`` that the document has room for."""

_END = "<!-- end of evidence -->"
_SECTION = re.compile(rf"^<!-- evidence: ([^\n]*\S[^\n]*) -->\n(?s:.*?)^{_END}", re.MULTILINE)
_CLAIMS = re.compile(r"^<!-- claims -->\n(?s:.*?)^<!-- end of claims -->", re.MULTILINE)
_MARKER = re.compile(r"^<!-- (?:evidence:|end of evidence)", re.MULTILINE)


def section(kept: Kept) -> str:
    """What the document says of runs between its markers, as Markdown."""
    references = kept.config["references"]
    compared = verdicts.verdict_table(kept.accuracy, references)
    differences = verdict_texts.comparisons(compared[compared["measure"].isin(measures(kept))])
    sentences = verdict_texts.sentences(verdicts.sentence_table(kept.accuracy, references[0]))
    found: dict[str, Mapping[str, formats.Readable]] = {
        "Accuracy": tables.wide_tables(kept.accuracy),
        "Last models": metrics.metrics_summary(kept.metrics),
        "Each client": metrics.client_summary(kept.clients) if kept.clients is not None else {},
        "Differences": {
            title: formats.Texts(table.cells[COLUMNS.split(",")])
            for title, table in differences.items()
        },
        "Queries": _unmarked(query_tables.query_summary(kept.queries)),
        "Agreement in cycle 0": _unmarked(agreement.agreement_summary(kept.agreement, references)),
        "What goes with the gain": drivers.drivers(kept.queries, kept.accuracy),
    }
    parts = [
        *(_origin(name, record) for name, record in kept.records.items()),
        _cost(kept),
        f"![accuracy of {kept.name}](figures/{kept.name}.png)",
        *(f"**{title}**: {sentence}" for title, sentence in sentences.items()),
        formats.to_markdown(
            {f"{what}: {title}": t for what, own in found.items() for title, t in own.items()}
        ).rstrip(),
    ]
    return "\n\n".join(parts) + "\n"


def measures(kept: Kept) -> list[str]:
    """What the document compares strategies by; balanced accuracy where it is not the accuracy."""
    found = kept.accuracy[["accuracy", "balanced_accuracy"]].dropna()
    same = np.allclose(found["accuracy"], found["balanced_accuracy"], atol=0.01)
    return ["area", "final", *([] if same else ["balanced_accuracy"]), "worst_client"]


def _unmarked(found: Mapping[str, formats.Measured]) -> dict[str, formats.Texts]:
    """The tables without a best: what they say is neither good nor bad."""
    return {title: formats.Texts(table.texts()) for title, table in found.items()}


def claims_section(kept: Iterable[Kept], docs: Path = DOCS) -> str:
    """What the runs say to the claims, as Markdown; raises InputError as ``read_claims`` does."""
    own = {run.name: run for run in kept}
    listed = claims.read_claims(docs / CLAIMS)
    found = {name: run.accuracy for name, run in own.items()}
    costs = {name: progress.duration(cpu_seconds(run)) for name, run in own.items()}
    told = {
        "What the runs say": claims.claims_table(listed, found),
        "Tests, and the CPU time of their runs": claims.effort_table(listed, costs),
    }
    return f"{claims.NOTE}\n\n{formats.to_markdown(told).rstrip()}\n\n"


def _origin(name: str, record: Mapping[str, Any]) -> str:
    """The command, seeds and versions of one run, and what is doubtful about it."""
    config = record["config"]
    command = f"`snakemake --configfile docs/data/{name}/{CONFIG}`"
    versions = ", ".join(f"{package} {v}" for package, v in record["versions"].items() if v)
    sentences = [
        f"{command}, seeds {', '.join(map(str, config['seeds']))}",
        f"{record['hardware']}, Python {record['python']}, {versions}",
        Scale(**config["scale"]).words.replace("scaled", "Scaled", 1),
        record["mixture"],
    ]
    return ". ".join(sentence.rstrip(".") for sentence in sentences if sentence) + "."


def cpu_seconds(kept: Kept) -> float:
    """At most so much CPU time have the jobs taken."""
    return float(kept.costs["seconds"].sum()) * int(kept.config["compute"]["threads"])


def _cost(kept: Kept) -> str:
    seconds = kept.costs.groupby("step")["seconds"].sum()
    threads = kept.config["compute"]["threads"]
    steps = ", ".join(f"{step} {progress.duration(took)}" for step, took in seconds.items())
    return (
        f"Cost: {len(kept.costs)} jobs, {progress.duration(seconds.sum())} of wall time one after "
        f"the other ({steps}), at most {progress.duration(cpu_seconds(kept))} of CPU time "
        f"(threads: {threads}), and up to {kept.costs['peak_memory_mb'].max():.0f} MB each."
    )


def draw(kept: Kept, path: Path) -> None:
    """Draw the accuracy curves of a section, a panel for each setting, as PNG."""
    table, style = kept.accuracy, kept.config["style"]
    strategies = tuple(sorted(table["strategy"].unique()))
    settings = [setting for setting, _ in tables.by_setting(table)]
    grid = Grid("accuracy", tuple((Panel(setting_title(s), s, strategies),) for s in settings))
    cycles = {str(name): int(rows["cycle"].max()) for name, rows in table.groupby("dataset")}
    curves = Curves(table, strategies, sorted(table["seed"].unique()), cycles)
    words = Scale(**kept.config["scale"]).words
    with drawing.look(style), TemporaryDirectory() as folder, replacing(path) as temporary:
        figure, _ = accuracy_figure(grid, curves, style["width"], words)
        drawing.save(figure, Path(folder, kept.name), dpi=style["dpi"])
        shutil.copyfile(Path(folder, f"{kept.name}.png"), temporary)


def sections(docs: Path = DOCS) -> dict[str, Kept]:
    """What the markers of the document name, by their names.

    Raises InputError if a marker has no end or no tables, or tables have no marker.
    """
    text = (docs / DOCUMENT).read_text(encoding="utf-8")
    named = _SECTION.findall(text)
    if len(_MARKER.findall(text)) != 2 * len(named):
        raise InputError(
            f"a marker '<!-- evidence: NAME -->' in {DOCUMENT} has no '{_END}', or there is one "
            "without a marker"
        )
    kept = {names: read([docs / "data" / name for name in names.split()]) for names in named}
    shown = [name for names in named for name in names.split()]
    for folder in sorted((docs / "data").glob("*/")):
        if shown.count(folder.name) != 1:
            raise InputError(
                f"'{folder}' has {shown.count(folder.name)} markers in {DOCUMENT}, but must have "
                f"one: '<!-- evidence: {folder.name} -->' and '{_END}'"
            )
    return kept


def page(docs: Path = DOCS) -> str:
    """The document with what its markers name between them."""
    kept = sections(docs)
    text = (docs / DOCUMENT).read_text(encoding="utf-8")
    judged = f"<!-- claims -->\n{claims_section(kept.values(), docs)}<!-- end of claims -->"
    text = _CLAIMS.sub(lambda _: judged, text)
    return _SECTION.sub(lambda m: f"<!-- evidence: {m[1]} -->\n{section(kept[m[1]])}{_END}", text)


def main(arguments: list[str] | None = None) -> None:
    """Keep a run's tables, or make the document and its figures from all that are kept."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    commands = parser.add_subparsers(dest="command")
    keeping = commands.add_parser("keep", help="keep the tables of a finished run in docs/data")
    keeping.add_argument("results", help="the folder that the run wrote to")
    keeping.add_argument("name", help="what the tables are to be called")
    given = parser.parse_args(arguments)
    try:
        if given.command == "keep":
            return keep(given.results, DOCS / "data", given.name)
        text = page()
        for one in sections().values():
            draw(one, DOCS / "figures" / f"{one.name}.png")
        save_text(DOCS / DOCUMENT, text)
    except InputError as error:
        parser.exit(1, f"Error: {error}\n")


if __name__ == "__main__":
    main()
