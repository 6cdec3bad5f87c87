"""Train the global model of one cycle on what is labeled so far."""

import json
from pathlib import Path

from fal import storage
from fal.data.dataset import Dataset
from fal.data.images import Images
from fal.federated import algorithms, evaluation, models, rounds
from fal.federated.algorithms.local_only import LocalOnly
from fal.federated.checkpoint import Checkpoint
from fal.federated.cohort import open_cohort
from fal.federated.objectives import OBJECTIVES
from fal.federated.options import Training
from fal.federated.training import doubtful_precision
from fal.job import job

with job(snakemake) as run:
    device = run.use_device()
    training = Training(**snakemake.params.training)
    if sentence := doubtful_precision(training.precision, device):
        run.warn(sentence)
    dataset = Dataset.open(Path(snakemake.input.dataset).parent)
    cohort = open_cohort(
        dataset,
        partition=snakemake.input.partition,
        labeled=snakemake.input.labeled,
        model=snakemake.params.model,
        local=training.local,
        seed=int(snakemake.wildcards.seed),
        cycle=int(snakemake.wildcards.cycle),
        device=device,
        objective=OBJECTIVES[snakemake.params.loss],
    )
    test_images, test_labels = Images.of(dataset, "test", device)

    batch_size = run.compute["inference_batch"]

    def accuracy(weights: models.Weights) -> float:
        net = cohort.stacks.get(1)
        return evaluation.accuracy(net, weights, test_images, test_labels, batch_size)

    alone = snakemake.params.loss == "local"
    algorithm = LocalOnly() if alone else algorithms.create(**snakemake.params.algorithm)
    initial = cohort.initial_weights()
    checkpoint = Checkpoint.of_job(run, snakemake.output.result)
    state, history = rounds.train_rounds(
        algorithm, cohort, training, initial, accuracy, checkpoint, run.progress
    )
    rounds.write_history(snakemake.output.metrics, history)
    storage.save_tensors(snakemake.output.model, state["global"])
    predicted = evaluation.predictions_of_models(
        cohort.stacks.get(1), state[algorithm.tested], test_images, batch_size
    )
    label = predicted if alone else predicted[0]
    storage.save_array(snakemake.output.predictions, label=label.cpu().numpy().astype("uint16"))
    never = training.never_trained(len(cohort.examples), cohort.seed, cohort.cycle, cohort.idle)
    if never:
        run.log.info(
            "Clients %s took part in no round: the global model stands in for theirs", never
        )
        if alone:
            run.warn(
                f"{len(never)} client(s), such as client {never[0]}, took part in no round: their "
                "own models are untrained, and count as such in the accuracy of local-only"
            )
    storage.save_tensors(snakemake.output.clients, rounds.local_models(state, never))
    result = rounds.summarize(history, int(cohort.sizes.sum()), len(cohort.images))
    storage.save_text(snakemake.output.result, json.dumps(result, indent=2) + "\n")
    if sentence := rounds.doubtful_loss(history, len(dataset.classes)):
        run.warn(sentence)
    run.log.info("%d labeled images, accuracy %.2f%%", result["labeled"], result["accuracy"])
    run.record(
        rounds=training.rounds,
        participants=len(
            training.participants(len(cohort.examples), cohort.seed, cohort.cycle, 0, cohort.idle)
        ),
        bytes_per_participant=algorithm.traffic(state),
    )
