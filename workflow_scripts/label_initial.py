"""Let the oracle label a few random images of every client."""

import json
from pathlib import Path

import numpy as np

from fal import storage
from fal.data import oracles
from fal.data.labeled import Labeled
from fal.data.labeling import Labeling, amount, initial_labels
from fal.job import job

with job(snakemake) as run:
    client = storage.load_array(snakemake.input.partition, "client")
    parts = [np.flatnonzero(client == k) for k in range(client.max() + 1)]
    seed = int(snakemake.wildcards.seed)
    labeling = Labeling(**snakemake.config["labeling"])
    labeling.check(snakemake.wildcards.dataset, len(client), len(parts))
    for sentence in labeling.warnings(snakemake.wildcards.dataset, len(client), len(parts)):
        run.warn(sentence)
    size = min(map(len, parts))
    count = amount(snakemake.params.initial, size)
    chosen = initial_labels(parts, count, seed)
    index = np.concatenate(chosen)
    oracle = oracles.create(**snakemake.params.oracle)
    classes = json.loads(Path(snakemake.input.dataset).read_text())["classes"]
    answers = oracle.label(np.load(snakemake.input.labels), classes, seed)[index]
    Labeled.of(index, answers, client).save(snakemake.output.labeled)
    run.log.info("%d of %d images of each client labeled", count, size)
