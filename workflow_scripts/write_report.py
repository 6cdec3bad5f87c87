"""Write the report: one page of what was compared, what came out, and why."""

import json
from pathlib import Path

from fal import storage
from fal.job import job
from fal.reporting import page, report, tables
from fal.reporting.catalogue import Picture

with job(snakemake) as run:
    given = snakemake.input
    optional = {
        name: tables.read_names(given[name]) if given[name] else None
        for name in ("queries", "across", "penalties")
    }
    pictures = [Picture(**picture) for picture in snakemake.params.pictures]
    folders = {Path(info).parent.name: Path(info).parent for info in given.infos}
    contents = report.page(
        accuracy=tables.read_accuracy(given.accuracy),
        verdicts=report.Verdicts(
            comparisons=tables.read_names(given.verdicts),
            by_cycle=tables.read_names(given.by_cycle),
            labels=tables.read_names(given.labels),
            sentences=tables.read_names(given.sentences),
            across=optional["across"],
            penalties=optional["penalties"],
        ),
        metrics=tables.read_names(given.metrics),
        queries=optional["queries"],
        costs=tables.read_names(given.costs),
        galleries=report.first_queries(given.first_queries, folders),
        pictures=zip(pictures, map(Path, given.pictures), strict=True),
        datasets=[report.read_dataset(info) for info in given.infos],
        training=snakemake.params.training,
        provenance=json.loads(Path(given.provenance).read_text()),
        scale=snakemake.params.scale,
    )
    storage.save_text(snakemake.output[0], page.render(contents))
    run.log.info("open %s in a browser; it needs no network", snakemake.output[0])
