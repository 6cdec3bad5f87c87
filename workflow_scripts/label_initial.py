"""Let the oracle label a few random images of every client."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from fal import storage
from fal.data import oracles
from fal.data.labeled import Labeled
from fal.data.labeling import Labeling, initial_labels, unequal
from fal.data.partition import client_parts, describe_sizes
from fal.job import job

with job(snakemake) as run:
    dataset, seed = snakemake.wildcards.dataset, int(snakemake.wildcards.seed)
    client = storage.load_array(snakemake.input.partition, "client")
    parts = client_parts(client)
    sizes = np.array([len(part) for part in parts])
    labeling = Labeling(**snakemake.config["labeling"])
    labeling.check_sizes(dataset, sizes)
    if not unequal(sizes):
        for sentence in labeling.warnings(dataset, len(client), len(parts)):
            run.warn(sentence)
    for sentence in labeling.notes(dataset, sizes):
        run.tell(f"{sentence} ({dataset}, {len(parts)} clients)")
    counts = labeling.initial_counts(sizes)
    oracle = oracles.create(**snakemake.params.oracle)
    labels = np.load(snakemake.input.labels)
    known = oracle.knows(labels) if oracle.asks_people else None
    index = np.concatenate(initial_labels(parts, counts, seed, known))
    if oracle.asks_people:
        query = pd.DataFrame({"client": client[index], "index": index})
        storage.save_text(snakemake.output.query, query.to_csv(index=False))
    else:
        classes = json.loads(Path(snakemake.input.dataset).read_text())["classes"]
        answers = oracle.ask(labels, classes, seed)[index]
        Labeled.of(index, answers, client).save(snakemake.output.labeled)
    run.log.info("labeled are %s of %s", describe_sizes(counts), describe_sizes(sizes))
