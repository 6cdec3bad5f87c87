"""Take over what people have answered, and what the data set knew of the queried images."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from fal import storage
from fal.annotation.answers import read_answers
from fal.annotation.tasks import client_tasks
from fal.data import oracles
from fal.data.dataset import Dataset
from fal.data.labeled import Labeled
from fal.errors import InputError
from fal.job import job

with job(snakemake) as run:
    dataset = Dataset.open(Path(snakemake.input.dataset).parent)
    client = storage.load_array(snakemake.input.partition, "client")
    index = pd.read_csv(snakemake.input.query, usecols=["index"])["index"].to_numpy()
    labels = np.array(dataset.train_labels)
    names = json.loads(Path(snakemake.input.tasks).read_text())
    [(method, options)] = snakemake.config["oracle"].items()
    oracle = oracles.create(method, **options)
    tasks = client_tasks("", snakemake.input.query, dataset, oracle)
    answers = {Path(path).stem: path for path in snakemake.input.answers}
    for name, task in zip(names, tasks, strict=True):
        if name not in answers:
            raise InputError(f"the answers to the task {name} are not there any more")
        labels[task.index] = read_answers(answers[name], task)
    given = labels[index]
    before = snakemake.input.get("labeled")
    answered = (
        Labeled.open(before).extended(index, given, client)
        if before
        else Labeled.of(index, given, client)
    )
    answered.save(snakemake.output.labeled)
    run.log.info("%d images labeled, %d unsure", (given >= 0).sum(), (given < 0).sum())
