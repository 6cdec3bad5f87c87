"""Collect the accuracy of all runs into one table."""

from pathlib import Path

from fal import storage
from fal.job import job
from fal.reporting import formats, tables, versions

with job(snakemake) as run:
    results = snakemake.input.results
    table = tables.accuracy_table(map(tables.read_record, results))
    folders = [Path(path).parent for path in snakemake.input]
    code_of = versions.code_versions(folders)
    mixed = [versions.mixture_warning(code_of), versions.machine_warning(folders)]
    storage.save_text(snakemake.output.runs, formats.to_csv(table))
    for sentence in filter(None, mixed):
        run.warn(sentence)
    mixture = "; ".join(filter(None, mixed))
    run.record(config=snakemake.config, code_of=code_of, mixture=mixture)
    run.log.info("%d results, %d rows", len(results), len(table))
