"""Train the federation's model of one cycle on what is labeled so far."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from fal import provenance, storage
from fal.federated import algorithms, evaluation, models
from fal.federated.checkpoint import Checkpoint
from fal.federated.loading import open_federation, open_split, pick
from fal.federated.rounds import Rounds, train_rounds
from fal.federated.training import SGD
from fal.job import job
from fal.rng import seed_for

with job(snakemake) as run:
    device = run.use_device()
    options = snakemake.params.training
    rounds = Rounds(
        **pick(options, "rounds", "learning_rate", "decay_after", "decay_factor", "participation")
    )
    sgd = SGD(
        **pick(options, "learning_rate", "batch_size", "momentum", "weight_decay", "precision"),
        epochs=options["local_epochs"],
    )
    federation = open_federation(snakemake, device, sgd)
    cohort = federation.cohort
    test_images, test_labels = open_split(federation.dataset, "test", device)

    def test_accuracy(weights: models.Weights) -> float:
        net = models.write(cohort.stack(1), weights)
        batch_size = run.compute["inference_batch"]
        return evaluation.accuracy(net, test_images, test_labels, batch_size)

    chosen = dict(snakemake.params.algorithm)
    algorithm = algorithms.create(chosen.pop("method"), **chosen)
    fresh = cohort.build(1, seed_for(cohort.seed, "model", cycle=cohort.cycle)).to(device)
    state = algorithm.init(models.read(fresh), len(cohort.examples))

    depends_on = [
        *(dict(snakemake.params.items()), dict(snakemake.wildcards.items())),
        *map(Path, snakemake.input),
        *(device, run.compute["threads"], torch.__version__, provenance.code_digest()),
    ]
    checkpoint = Checkpoint(
        Path(snakemake.output.result).parent, depends_on, run.compute["checkpoint_seconds"]
    )
    state, history = checkpoint.load(device) or (state, [])
    run.log.info("%d of %d rounds are done", len(history), rounds.rounds)
    progress = train_rounds(algorithm, cohort, state, rounds, len(history))
    bar = tqdm(progress, initial=len(history), total=rounds.rounds, unit="round")
    for done, state, diagnostics in bar:
        every = options["evaluate_every"]
        evaluate = done == rounds.rounds or (every and done % every == 0)
        history.append(
            {
                "round": done,
                "learning_rate": rounds.rate(done - 1),
                "train_loss": float(diagnostics["loss"].mean()),
                "accuracy": test_accuracy(state["global"]) if evaluate else np.nan,
            }
        )
        checkpoint.save(state, history)
    metrics = pd.DataFrame(history)[["round", "learning_rate", "train_loss", "accuracy"]]
    metrics.to_csv(snakemake.output.metrics, index=False, float_format="%.6f")
    storage.save_tensors(snakemake.output.model, state["global"])
    storage.save_tensors(snakemake.output.clients, state["local"])

    labeled = int(federation.labeled.sum())
    last_five = metrics["accuracy"].tail(5)
    result = {
        "accuracy": metrics["accuracy"].iloc[-1],
        "accuracy_last5": None if last_five.hasnans or len(last_five) < 5 else last_five.mean(),
        "labeled": labeled,
        "labeled_fraction": labeled / int((federation.client >= 0).sum()),
    }
    with storage.replacing(snakemake.output.result) as path:
        path.write_text(json.dumps(result, indent=2) + "\n")
    run.log.info("%d labeled images, accuracy %.2f%%", labeled, result["accuracy"])
    run.write_provenance(snakemake.output.provenance)
    checkpoint.remove()
