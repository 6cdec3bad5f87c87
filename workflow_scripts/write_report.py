"""Write the report: one page of what was compared, what came out, and why."""

import json
from pathlib import Path

from fal import storage
from fal.job import job
from fal.reporting import page, report, tables
from fal.reporting.catalogue import Picture

with job(snakemake) as run:
    queries = snakemake.input.queries
    pictures = [Picture(**picture) for picture in snakemake.params.pictures]
    folders = {Path(info).parent.name: Path(info).parent for info in snakemake.input.infos}
    contents = report.page(
        accuracy=tables.read_accuracy(snakemake.input.accuracy),
        verdicts=report.Verdicts(
            *(
                tables.read_names(snakemake.input[name])
                for name in ("verdicts", "labels", "sentences")
            )
        ),
        metrics=tables.read_names(snakemake.input.metrics),
        queries=tables.read_names(queries) if queries else None,
        costs=tables.read_names(snakemake.input.costs),
        galleries=report.first_queries(snakemake.input.first_queries, folders),
        pictures=zip(pictures, map(Path, snakemake.input.pictures), strict=True),
        datasets=[report.read_dataset(info) for info in snakemake.input.infos],
        training=snakemake.params.training,
        provenance=json.loads(Path(snakemake.input.provenance).read_text()),
        scale=snakemake.params.scale,
    )
    storage.save_text(snakemake.output[0], page.render(contents))
    run.log.info("open %s in a browser; it needs no network", snakemake.output[0])
