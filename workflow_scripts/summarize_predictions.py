"""Collect what the models of all runs predict on the test images into tables of metrics."""

import json
from pathlib import Path

import numpy as np

from fal import storage
from fal.data.partition import class_counts
from fal.job import job
from fal.layout import Layout, fill, format_number, parse_path
from fal.reporting import formats, metrics

with job(snakemake) as run:
    given = snakemake.input
    partition = Layout(snakemake.config["results"]).partition("partition.npz")
    sites = {Path(file).parent.name: file for file in given.get("sites", [])}
    data = {
        Path(info).parent.name: (
            np.load(train),
            np.load(test),
            json.loads(Path(info).read_text(encoding="utf-8", errors=storage.NOT_UTF8)),
        )
        for train, test, info in zip(
            given.train_labels, given.test_labels, given.infos, strict=True
        )
    }
    records = []
    for path in given.predictions:
        factors = parse_path(path)
        train_labels, test_labels, info = data[factors["dataset"]]
        alpha = format_number(factors["alpha"] or None)
        client = storage.load_array(fill(partition, factors, alpha=alpha), "client")
        own = sites.get(factors["dataset"])
        found = metrics.run_metrics(
            storage.load_array(path, "label"),
            test_labels,
            info["classes"],
            class_counts(client, train_labels, len(info["classes"])),
            storage.load_array(own, "test") if own else None,
            info["sites"] if own else (),
        )
        records.append({**factors, **found})
    table = metrics.metrics_table(records)
    storage.save_text(snakemake.output.table, formats.to_csv(table))
    for part in ("by_class", "by_client"):
        rows = metrics.part_metrics_table(records, part)
        storage.save_text(snakemake.output[part], formats.to_csv(rows))
    run.log.info("%d models, %d rows", len(records), len(table))
