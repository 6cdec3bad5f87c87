"""Let every client pick the images that it has labeled next, and the oracle label them."""

from pathlib import Path

import numpy as np

from fal import outputs, storage
from fal.data import oracles
from fal.data.dataset import Dataset
from fal.data.labeled import Labeled
from fal.data.labeling import Labeling
from fal.federated.options import Training, idle_clients
from fal.job import job
from fal.query import strategies
from fal.query.clients import load_mean_reports, query_clients
from fal.query.pool import open_pools

with job(snakemake) as run:
    wildcards = snakemake.wildcards
    seed, cycle = int(wildcards.seed), int(wildcards.cycle)
    strategy = strategies.create(**snakemake.params.strategy)
    dataset = Dataset.open(Path(snakemake.input.dataset).parent)
    client = storage.load_array(snakemake.input.partition, "client")
    labeled = Labeled.open(snakemake.input.labeled)
    oracle = oracles.create(**snakemake.params.oracle)
    labeling = Labeling(**snakemake.config["labeling"])
    sizes = np.bincount(client)
    labeling.check_sizes(wildcards.dataset, sizes)

    seen = {}
    if strategy.needs:
        from fal.federated.checkpoint import forget_finished
        from fal.federated.evaluation import open_outputs

        weights = {role: snakemake.input[role] for role in strategy.needs}
        batch_size = run.compute["inference_batch"]
        model = snakemake.params.model
        seen = open_outputs(dataset, client, model, weights, run.use_device(), batch_size)
        run.afterwards(lambda: forget_finished(Path(weights[strategy.needs[0]]).parent))
    pools = open_pools(dataset, client, labeled, cycle, seen)
    idle = idle_clients(np.bincount(client[labeled.index], minlength=len(sizes)))
    never = Training(**snakemake.params.training).never_trained(len(sizes), seed, cycle, idle)
    told_before = strategy.reports_once and cycle > 0
    queries = query_clients(
        strategy,
        pools,
        labeling.budgets(sizes) + labeled.unsure,
        seed,
        wildcards.strategy,
        files=dataset.train_files,
        never_trained=never,
        mean_reports=load_mean_reports(snakemake.input.reported) if told_before else None,
    )

    truth = np.where(labeled.labels(len(client)) < 0, dataset.train_labels, -1)
    pool_accuracy = outputs.accuracies(seen, truth[np.argsort(client, kind="stable")])
    written = snakemake.output
    queries.save(written.scores, written.query, written.explanation, pool_accuracy)
    if not oracle.asks_people:
        queried = queries.queried["index"].to_numpy()
        answers = oracle.ask(dataset.train_labels, dataset.classes, seed)[queried]
        labeled.extended(queried, answers, client).save(snakemake.output.labeled)
    if snakemake.output.get("outputs"):
        outputs.save(snakemake.output.outputs, seen)
    for sentence in queries.warnings:
        run.warn(sentence)
    run.log.info("%d images queried", len(queries.queried))
