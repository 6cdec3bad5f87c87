"""Collect what the strategies queried into tables."""

import json
from pathlib import Path

import numpy as np

from fal import storage
from fal.job import job
from fal.reporting import formats, query_tables
from fal.reporting.page import render_tables

NOTE = (
    "Means over seeds and cycles. Imbalance is the share of a query that would have to be of other "
    "classes for it to have the pool's class mix. The models' accuracies are those on the pool, "
    "local and distilled models each on their client's. For IFAL: the share of the pool that "
    "passed the threshold, and in how many percent of the clients' queries the candidates came "
    "from Otsu's threshold on the product of both inconsistencies or from one of its fall-backs, "
    "Otsu's threshold on the inter-model inconsistency alone and the highest scores."
)

with job(snakemake) as run:
    data = {
        Path(info).parent.name: (
            np.load(labels),
            len(json.loads(Path(info).read_text())["classes"]),
        )
        for labels, info in zip(snakemake.input.labels, snakemake.input.infos, strict=True)
    }
    rows = []
    for path in snakemake.input.queries:
        query = query_tables.read_query(Path(path).parent)
        rows.append(query_tables.query_row(query, *data[query.run["dataset"]]))
    table = query_tables.query_table(rows)
    summary = query_tables.query_summary(table).items()
    elements = {title: formats.to_html(measured, mark_best=False) for title, measured in summary}
    page = render_tables("Queries", NOTE, elements)
    storage.save_text(snakemake.output.table, formats.to_csv(table))
    storage.save_text(snakemake.output.html, page)
    run.log.info("%d queries", len(table))
