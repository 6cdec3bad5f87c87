"""Divide the training images among the clients."""

import numpy as np

from fal import storage
from fal.data import partitions
from fal.data.partition import client_of_parts, describe_sizes, from_sites
from fal.job import job
from fal.layout import typed

with job(snakemake) as run:
    factors = typed(snakemake.wildcards)
    if sites := snakemake.input.get("sites"):
        client = from_sites(storage.load_array(sites, "train"), factors["clients"])
    else:
        labels = np.load(snakemake.input.labels)
        partition = partitions.create(**snakemake.params.partition)
        alpha = factors["alpha"] or None
        parts = partition.divide(labels, factors["clients"], factors["seed"], alpha)
        client = client_of_parts(parts)
    storage.save_array(snakemake.output.partition, client=client)
    run.log.info("%s", describe_sizes(np.bincount(client)))
