# The checked configuration, and the names that all rules share.

import logging
import os
import signal
import sys

from snakemake.utils import update_config

from fal import estimate, experiment, owner
from fal.entries import create
from fal.errors import InputError
from fal.job import SUBMITTED
from fal.layout import Layout
from fal.options import given_options
from fal.query import strategies
from fal.resolve import resolve
from fal.runs import plan

try:
    # A configuration file may extend another, of which Snakemake knows nothing.
    files = [f"{workflow.basedir}/config.yaml", *workflow.config_settings.configfiles]
    config.clear()
    config.update(experiment.read(files))
    # Snakemake leaves the numbers inside --config 'training={rounds: 5}' as texts.
    update_config(config, experiment.retyped(workflow.config_settings.config))
    settings = resolve(config)
    PLAN = plan(settings)
except InputError as error:
    sys.exit(f"Error: {error}")

# Where and how fast a job runs must not decide whether it runs again, so it is no rule's param.
config["compute"] = given_options(settings.compute)
config["labeling"] = given_options(settings.labeling)
# Nor must the path of images decide, of whose contents a param tells.
config["datasets"] = [{name: options} for name, options in settings.datasets.items()]
# What a step that computes asks for: `--resources gpu=2` has two of those on a GPU run at once.
DEVICE = {"gpu": 1} if settings.compute.device.startswith("cuda") else {}

layout = Layout(settings.results)
TRAINING = given_options(settings.training)
DISTILLATION = given_options(settings.distillation)
STRATEGIES = {
    name: create(strategies.STRATEGIES, f"strategies.{name}", options, "method")
    for name, options in settings.strategies.items()
}


wildcard_constraints:
    dataset="[^/]+",
    alpha="[^/]+",
    clients=r"\d+",
    model="[^/]+",
    algorithm="[^/]+",
    strategy="[^/]+",
    seed=r"\d+",
    cycle=r"\d+",


if "--unlock" in sys.argv:
    try:
        owner.unlock(settings.results)
    except InputError as error:
        sys.exit(f"Error: {error}")

# What is doubtful, and what a large run will leave on the disk, is told before anything runs.
if workflow.is_main_process:
    for sentence in settings.warnings:
        logging.getLogger("fal").warning(sentence)
    if (remaining := estimate.remaining_bytes(settings, PLAN) or 0) > 1e9:
        logging.getLogger("fal").info(
            f"The whole run leaves about {remaining / 1e9:.1f} GB in {settings.results}."
        )
else:
    # Slurm tells all processes of a job that its time is nearly over; the step script is the one
    # that acts, and needs those above it until it has saved what it did.
    signal.signal(signal.SIGUSR1, lambda *_: None)
    os.environ[SUBMITTED] = "1"
