"""Let the oracle label a few random images of every client."""

import numpy as np

from fal import settings, storage
from fal.data import partition
from fal.job import job

with job(snakemake) as run:
    client = storage.load_array(snakemake.input.partition, "client")
    parts = [np.flatnonzero(client == k) for k in range(client.max() + 1)]
    settings.check_sizes(
        snakemake.config["labeling"], snakemake.wildcards.dataset, len(client), len(parts)
    )
    size = min(map(len, parts))
    count = settings.count(snakemake.params.initial, size)
    chosen = partition.initial_labels(parts, count, int(snakemake.wildcards.seed))
    storage.save_array(snakemake.output.labeled, index=np.sort(np.concatenate(chosen)))
    run.write_provenance(snakemake.output.provenance)
    run.log.info("%d of %d images of each client labeled", count, size)
