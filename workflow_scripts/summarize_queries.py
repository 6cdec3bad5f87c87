"""Collect what the strategies queried into tables."""

import json
from itertools import groupby
from pathlib import Path

import numpy as np

from fal import storage
from fal.job import job
from fal.reporting import agreement, formats, query_tables
from fal.reporting.page import render_tables

NOTE = (
    "Means over seeds and cycles. A client's effective classes are the exponential of the entropy "
    "of what it queried, and covered are those classes of its pool that its query has. Imbalance "
    "is the share of a query that would have to be of other classes for it to have the pool's "
    "class mix. The models' accuracies are those on the pool, local and distilled models each on "
    "their client's. For IFAL: the share of the pool that passed the threshold; the rank "
    "correlation of its score with inter, intra, and the ratio inside inter; and in how many "
    "percent of the clients' queries the candidates came from Otsu's threshold on the product of "
    "both inconsistencies or from one of its fall-backs, Otsu's threshold on the inter-model "
    "inconsistency alone and the highest scores. Agreement of two strategies on the same pools "
    "under the same models: Spearman's rank correlation of their scores, and the images queried "
    "by both as a share of those queried by either."
)

with job(snakemake) as run:
    data = {
        Path(info).parent.name: (
            np.load(labels),
            len(json.loads(Path(info).read_text())["classes"]),
        )
        for labels, info in zip(snakemake.input.labels, snakemake.input.infos, strict=True)
    }
    rows, pairs = [], []
    folders = sorted(Path(path).parent for path in snakemake.input.queries)
    for _, of_seed in groupby(folders, key=lambda folder: folder.parents[1]):
        first = []
        for query in map(query_tables.read_query, of_seed):
            rows.append(query_tables.query_row(query, *data[query.run["dataset"]]))
            if query.run["cycle"] == 0:
                first.append(query)
        pairs += agreement.agreement_rows(first)
    table = query_tables.query_table(rows)
    agreeing = agreement.agreement_table(pairs)
    summary = query_tables.query_summary(table)
    references = snakemake.params.references
    together = agreement.agreement_summary(agreeing, references).items()
    tables = {
        **summary,
        **{f"Agreement in cycle 0: {title}": measured for title, measured in together},
    }
    elements = {title: formats.to_html(found, mark_best=False) for title, found in tables.items()}
    page = render_tables("Queries", NOTE, elements)
    storage.save_text(snakemake.output.table, formats.to_csv(table))
    storage.save_text(snakemake.output.agreement, formats.to_csv(agreeing))
    storage.save_text(snakemake.output.html, page)
    run.log.info("%d queries", len(table))
