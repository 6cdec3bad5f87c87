"""Draw how many images of each class each client holds."""

import json
from pathlib import Path

import numpy as np

from fal import storage
from fal.job import job
from fal.reporting import figures

with job(snakemake):
    where = snakemake.wildcards
    classes = json.loads(Path(snakemake.input.info).read_text())["classes"]
    client = storage.load_array(snakemake.input.partition, "client")
    counts = figures.class_counts(client, np.load(snakemake.input.labels), len(classes))
    title = f"{where.dataset}, alpha {where.alpha}, seed {where.seed}"
    figure = figures.partition_histogram(counts, classes, title)
    figures.save(figure, Path(snakemake.output.png).with_suffix(""))
