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
    data = {
        Path(info).parent.name: (
            np.load(train),
            np.load(test),
            json.loads(Path(info).read_text())["classes"],
        )
        for train, test, info in zip(
            given.train_labels, given.test_labels, given.infos, strict=True
        )
    }
    records = []
    for path in given.predictions:
        factors = parse_path(path)
        train_labels, test_labels, classes = data[factors["dataset"]]
        alpha = format_number(factors["alpha"] or None)
        client = storage.load_array(fill(partition, factors, alpha=alpha), "client")
        counts = class_counts(client, train_labels, len(classes))
        predicted = storage.load_array(path, "label")
        found = metrics.run_metrics(predicted, test_labels, counts, classes)
        records.append({**factors, **found})
    table, by_class = metrics.metrics_table(records), metrics.class_metrics_table(records)
    storage.save_text(snakemake.output.table, formats.to_csv(table))
    storage.save_text(snakemake.output.by_class, formats.to_csv(by_class))
    run.log.info("%d models, %d rows", len(records), len(table))
