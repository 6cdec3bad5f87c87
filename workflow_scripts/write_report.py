"""Write the report: one page of what was compared, what came out, and why."""

import json
from pathlib import Path

from fal.job import job
from fal.reporting import page, report, tables
from fal.reporting.catalogue import Picture

with job(snakemake) as run:
    queries = snakemake.input.queries
    pictures = [Picture(**picture) for picture in snakemake.params.pictures]
    contents = report.page(
        accuracy=tables.read_accuracy(snakemake.input.accuracy),
        queries=tables.read_names(queries) if queries else None,
        pictures=zip(pictures, map(Path, snakemake.input.pictures), strict=True),
        datasets=[report.read_dataset(info) for info in snakemake.input.infos],
        training=snakemake.params.training,
        provenance=json.loads(Path(snakemake.input.provenance).read_text()),
    )
    Path(snakemake.output[0]).write_text(page.render(contents), encoding="utf-8")
    run.log.info("open %s in a browser; it needs no network", snakemake.output[0])
