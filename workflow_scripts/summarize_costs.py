"""Collect what the steps of all runs have cost into a table."""

from fal import storage
from fal.job import job
from fal.reporting import costs, formats

with job(snakemake) as run:
    table = costs.cost_table(snakemake.input)
    storage.save_text(snakemake.output[0], formats.to_csv(table))
    run.log.info("%d steps, %.1f hours in all", len(table), table["seconds"].sum() / 3600)
