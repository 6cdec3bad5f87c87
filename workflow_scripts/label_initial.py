"""Let the oracle label a few random images of every client."""

import numpy as np

from fal import storage
from fal.data.labeling import Labeling, amount, initial_labels
from fal.job import job

with job(snakemake) as run:
    client = storage.load_array(snakemake.input.partition, "client")
    parts = [np.flatnonzero(client == k) for k in range(client.max() + 1)]
    labeling = Labeling(**snakemake.config["labeling"])
    labeling.check(snakemake.wildcards.dataset, len(client), len(parts))
    for sentence in labeling.warnings(snakemake.wildcards.dataset, len(client), len(parts)):
        run.warn(sentence)
    size = min(map(len, parts))
    count = amount(snakemake.params.initial, size)
    chosen = initial_labels(parts, count, int(snakemake.wildcards.seed))
    storage.save_array(snakemake.output.labeled, index=np.sort(np.concatenate(chosen)))
    run.write_provenance(snakemake.output.provenance)
    run.log.info("%d of %d images of each client labeled", count, size)
