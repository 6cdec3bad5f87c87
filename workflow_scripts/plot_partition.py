"""Draw how many images of each class each client holds."""

import json
from pathlib import Path

import numpy as np

from fal import storage
from fal.data.partition import class_counts
from fal.job import job
from fal.reporting import drawing, partition_figures

with job(snakemake):
    factors = snakemake.wildcards
    classes = json.loads(Path(snakemake.input.info).read_text())["classes"]
    client = storage.load_array(snakemake.input.partition, "client")
    counts = class_counts(client, np.load(snakemake.input.labels), len(classes))
    title = f"{factors.dataset}, alpha {factors.alpha}, seed {factors.seed}"
    figure = partition_figures.partition_histogram(counts, classes, title)
    drawing.save(figure, Path(snakemake.output.png).with_suffix(""))
