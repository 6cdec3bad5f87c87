"""Write a task for the people of every client who label the images that were queried."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from fal.annotation.tasks import Task, write_task
from fal.data import oracles
from fal.data.dataset import Dataset
from fal.job import job
from fal.storage import save_text

with job(snakemake) as run:
    dataset = Dataset.open(Path(snakemake.input.dataset).parent)
    query = pd.read_csv(snakemake.input.query, usecols=["client", "index"])
    oracle = oracles.create(**snakemake.params.oracle)
    unknown = query[~oracle.knows(dataset.train_labels)[query["index"]]]
    listing = Path(snakemake.output.tasks)
    names = []
    for client, rows in unknown.groupby("client"):
        index = np.sort(rows["index"].to_numpy())
        files = [dataset.train_files[i] for i in index] if dataset.train_files else []
        name = f"{snakemake.params.name}_client-{client}"
        task = Task(name, index, files, dataset.classes, dataset.site_of(index))
        write_task(listing.with_suffix(""), task, dataset.train_images[index])
        names.append(task.name)
    save_text(listing, json.dumps(names, indent=2) + "\n")
    run.log.info("%d of %d images are to be labeled", len(unknown), len(query))
