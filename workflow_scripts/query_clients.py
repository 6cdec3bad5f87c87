"""Let every client pick the images that it has labeled next, and the oracle label them."""

from pathlib import Path

import numpy as np

from fal import outputs, storage
from fal.data.dataset import Dataset
from fal.data.labeling import Labeling, amount
from fal.federated.options import Training
from fal.job import job
from fal.query import strategies
from fal.query.clients import query_clients
from fal.query.pool import open_pools

with job(snakemake) as run:
    wildcards = snakemake.wildcards
    seed, cycle = int(wildcards.seed), int(wildcards.cycle)
    strategy = strategies.create(**snakemake.params.strategy)
    dataset = Dataset.open(Path(snakemake.input.dataset).parent)
    client = storage.load_array(snakemake.input.partition, "client")
    labeled = storage.load_array(snakemake.input.labeled, "index")
    labeling = Labeling(**snakemake.config["labeling"])
    labeling.check(wildcards.dataset, len(client), client.max() + 1)

    seen = {}
    if strategy.needs:
        from fal.federated.evaluation import open_outputs

        weights = {role: snakemake.input[role] for role in strategy.needs}
        batch_size = run.compute["inference_batch"]
        model = snakemake.params.model
        seen = open_outputs(dataset, client, model, weights, run.use_device(), batch_size)
    pools = open_pools(dataset, client, labeled, cycle, seen)
    budget = amount(snakemake.params.budget, int(np.bincount(client).min()))
    never = Training(**snakemake.params.training).never_trained(client.max() + 1, seed, cycle)
    queries = query_clients(
        strategy, pools, budget, seed, wildcards.strategy, dataset.train_files, never
    )

    queries.save(snakemake.output.scores, snakemake.output.query, snakemake.output.explanation)
    after = np.sort(np.concatenate([labeled, queries.queried["index"].to_numpy()]))
    storage.save_array(snakemake.output.labeled, index=after)
    if snakemake.output.get("outputs"):
        outputs.save(snakemake.output.outputs, seen)
    for sentence in queries.warnings:
        run.warn(sentence)
    run.log.info("%d images queried, %d labeled now", len(queries.queried), len(after))
    run.write_provenance(snakemake.output.provenance)
