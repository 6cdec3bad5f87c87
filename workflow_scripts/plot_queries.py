"""Draw which classes a strategy queried."""

import json
from pathlib import Path

import numpy as np

from fal.job import job
from fal.reporting import drawing, query_figures, query_tables, tables

with job(snakemake):
    classes = json.loads(Path(snakemake.input.info).read_text())["classes"]
    labels = np.load(snakemake.input.labels)
    queries = (query_tables.read_query(Path(path).parent) for path in snakemake.input.queries)
    shares = query_tables.share_tables(queries, labels, len(classes))
    title = f"{tables.setting_title(snakemake.params.setting)}, {snakemake.wildcards.strategy}"
    figure = query_figures.query_histogram(*shares, classes, title)
    drawing.save(figure, Path(snakemake.output.png).with_suffix(""))
