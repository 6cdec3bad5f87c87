"""Draw IFAL's inconsistencies, its candidates and its fall-backs."""

from pathlib import Path

from fal.job import job
from fal.reporting import drawing, query_figures, query_tables, tables

with job(snakemake):
    queries = [query_tables.read_query(Path(path).parent) for path in snakemake.input.queries]
    title = f"{tables.setting_title(snakemake.params.setting)}, {snakemake.wildcards.strategy}"
    figure = query_figures.inconsistency(queries, title)
    drawing.save(figure, Path(snakemake.output.png).with_suffix(""))
