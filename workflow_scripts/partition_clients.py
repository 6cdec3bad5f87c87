"""Divide the training images among the clients."""

import numpy as np

from fal import storage
from fal.data.partition import dirichlet_partition
from fal.job import job

with job(snakemake) as run:
    labels = np.load(snakemake.input.labels)
    parts = dirichlet_partition(
        labels,
        int(snakemake.wildcards.clients),
        float(snakemake.wildcards.alpha),
        int(snakemake.wildcards.seed),
    )
    client = np.empty(len(labels), dtype=np.int64)
    for k, index in enumerate(parts):
        client[index] = k
    storage.save_array(snakemake.output.partition, client=client)
    run.write_provenance(snakemake.output.provenance)
    run.log.info("%d to %d images per client", min(map(len, parts)), max(map(len, parts)))
