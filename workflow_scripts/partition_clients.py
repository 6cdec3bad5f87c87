"""Divide the training images among the clients."""

import numpy as np

from fal import storage
from fal.data import partitions
from fal.job import job
from fal.layout import typed

with job(snakemake) as run:
    labels = np.load(snakemake.input.labels)
    factors = typed(snakemake.wildcards)
    partition = partitions.create(**snakemake.params.partition)
    parts = partition.divide(labels, factors["clients"], factors["seed"], factors["alpha"] or None)
    client = np.empty(len(labels), dtype=np.int64)
    for k, index in enumerate(parts):
        client[index] = k
    storage.save_array(snakemake.output.partition, client=client)
    run.log.info("%d to %d images per client", min(map(len, parts)), max(map(len, parts)))
