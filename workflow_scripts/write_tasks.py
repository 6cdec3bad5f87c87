"""Write a task for the people of every client who label the images that were queried."""

import json
from pathlib import Path

from fal.annotation.tasks import client_tasks, write_tasks
from fal.data import oracles
from fal.data.dataset import Dataset
from fal.job import job
from fal.storage import save_text

with job(snakemake) as run:
    dataset = Dataset.open(Path(snakemake.input.dataset).parent)
    oracle = oracles.create(**snakemake.params.oracle)
    tasks = client_tasks(snakemake.params.name, snakemake.input.query, dataset, oracle)
    listing = Path(snakemake.output.tasks)
    write_tasks(listing.with_suffix(""), tasks, dataset.train_images)
    save_text(listing, json.dumps([task.name for task in tasks], indent=2) + "\n")
    images = sum(len(task.index) for task in tasks)
    run.log.info("%d images are to be labeled, in %d tasks", images, len(tasks))
