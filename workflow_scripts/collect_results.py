"""Collect the accuracy of all runs into one table."""

from pathlib import Path

from fal import storage
from fal.job import job
from fal.reporting import formats, tables, versions

with job(snakemake) as run:
    results = snakemake.input.results
    table = tables.accuracy_table(map(tables.read_record, results))
    code_of = versions.code_versions(Path(path).parent for path in snakemake.input)
    mixture = versions.mixture_warning(code_of)
    storage.save_text(snakemake.output.runs, formats.to_csv(table))
    if mixture:
        run.warn(mixture)
    run.record(config=snakemake.config, code_of=code_of, mixture=mixture)
    run.log.info("%d results, %d rows", len(results), len(table))
