"""What is told of kept runs: in short in the document, in full on a page beside their tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fal import progress
from fal.reporting import (
    agreement,
    drivers,
    formats,
    metrics,
    query_tables,
    verdict_texts,
    verdicts,
)
from fal.reporting.kept import CONFIG, Kept
from fal.scale import Scale

COLUMNS = "strategy,by,accuracy,difference,95 % interval,p better,p worse,seeds,smallest p"
"""The columns of ``fal.reporting.verdict_texts.comparisons`` that the texts have room for."""

PAGE = "README.md"
"""The file beside the tables of a run that tells of it in full."""


def summary(kept: Kept) -> str:
    """A run in short, as Markdown: for each setting its verdict, accuracies and differences."""
    references = kept.references
    sentences = verdict_texts.sentences(verdicts.sentence_table(kept.accuracy, references[0]))
    differences = _differences(kept.comparisons[kept.comparisons["measure"] == "area"])
    after = verdict_texts.after_queries(kept.comparisons_by_cycle)
    parts = [*_origins(kept), _cost(kept), *_figures(kept, "figures")]
    for title, table in kept.accuracies.items():
        parts += [f"**{title}**: {sentences[title]}", formats.markdown(table)]
        # Of two strategies one comparison says all.
        for reference in references[: max(1, len(table.mean) - 1)]:
            if (found := differences.get(f"{title}: against {reference}")) is not None:
                own = formats.Texts(found.cells.drop(columns=["by", "accuracy"]))
                parts += [f"Area, against `{reference}`:", formats.markdown(own)]
            if (found := after.get(f"{title}: against {reference}, after each query")) is not None:
                parts += [f"After each query, against `{reference}`:", formats.markdown(found)]
    parts.append(f"All tables of these runs: [data/{kept.name}](data/{kept.name}/{PAGE}).")
    return "\n\n".join(parts) + "\n"


def page(kept: Kept) -> str:
    """A run in full, as Markdown: all tables that are made from what was kept."""
    clients = metrics.client_summary(kept.clients) if kept.clients is not None else {}
    found: dict[str, Mapping[str, formats.Readable]] = {
        "Accuracy": kept.accuracies,
        "Last models": metrics.metrics_summary(kept.metrics),
        "Each client": clients,
        "Differences": _differences(kept.comparisons),
        "Differences after each query": verdict_texts.after_queries(kept.comparisons_by_cycle),
        "Queries": _unmarked(query_tables.query_summary(kept.queries)),
        "Agreement in cycle 0": _unmarked(
            agreement.agreement_summary(kept.agreement, kept.references)
        ),
        "What goes with the gain": drivers.drivers(kept.queries, kept.accuracy),
    }
    written = formats.to_markdown(
        {f"{what}: {title}": t for what, own in found.items() for title, t in own.items()}
    )
    parts = [
        f"# {' and '.join(kept.records)}",
        "Made by `make evidence` from the tables kept here. What the runs are for, what they say "
        "and how to read the tables: [What was measured](../../reproduction.md).",
        *_origins(kept),
        _cost(kept),
        *_figures(kept, "../../figures"),
        written.rstrip(),
    ]
    return "\n\n".join(parts) + "\n"


def cpu_seconds(kept: Kept) -> float:
    """At most so much CPU time have the jobs taken."""
    return float(kept.costs["seconds"].sum()) * int(kept.config["compute"]["threads"])


def _differences(compared: pd.DataFrame) -> dict[str, formats.Texts]:
    """Per setting and reference the strategies' differences: rows of ``Kept.comparisons``."""
    return {
        title: formats.Texts(table.cells[COLUMNS.split(",")])
        for title, table in verdict_texts.comparisons(compared).items()
    }


def _unmarked(found: Mapping[str, formats.Measured]) -> dict[str, formats.Texts]:
    """The tables without a best: what they say is neither good nor bad."""
    return {title: formats.Texts(table.texts()) for title, table in found.items()}


def _origins(kept: Kept) -> list[str]:
    return [_origin(name, record) for name, record in kept.records.items()]


def _origin(name: str, record: Mapping[str, Any]) -> str:
    """The command, seeds and versions of one run, and what is doubtful about it."""
    config = record["config"]
    command = f"`snakemake --cores 2 --configfile docs/data/{name}/{CONFIG}`"
    versions = ", ".join(f"{package} {v}" for package, v in record["versions"].items() if v)
    sentences = [
        f"{command}, seeds {', '.join(map(str, config['seeds']))}",
        f"{record['hardware']}, Python {record['python']}, {versions}",
        Scale(**config["scale"]).words.replace("scaled", "Scaled", 1),
        record["mixture"],
    ]
    return ". ".join(sentence.rstrip(".") for sentence in sentences if sentence) + "."


def _figures(kept: Kept, folder: str) -> list[str]:
    return [
        f"![accuracy of {kept.name}]({folder}/{kept.name}.png)",
        f"![differences in {kept.name}]({folder}/{kept.name}_differences.png)",
    ]


def _cost(kept: Kept) -> str:
    seconds = kept.costs.groupby("step")["seconds"].sum()
    threads = kept.config["compute"]["threads"]
    steps = ", ".join(f"{step} {progress.duration(took)}" for step, took in seconds.items())
    return (
        f"Cost: {len(kept.costs)} jobs, {progress.duration(seconds.sum())} of wall time one after "
        f"the other ({steps}), at most {progress.duration(cpu_seconds(kept))} of CPU time "
        f"(threads: {threads}), and up to {kept.costs['peak_memory_mb'].max():.0f} MB each."
    )
