# The checked configuration, and the names that all rules share.

import sys

from snakemake.utils import update_config

from fal.errors import InputError
from fal.layout import Layout
from fal.options import given_options
from fal.query import strategies
from fal.settings import resolve, retyped

# Snakemake leaves the numbers inside --config 'training={rounds: 5}' as texts.
update_config(config, retyped(workflow.config_settings.config))
try:
    settings = resolve(config)
except InputError as error:
    print(f"Error: {error}", file=sys.stderr)
    sys.exit(1)

# Where and how fast a job runs must not decide whether it runs again, so it is no rule's param.
config["compute"] = given_options(settings.compute)

layout = Layout(settings.results)
TRAINING = given_options(settings.training)
DISTILLATION = given_options(settings.distillation)
STRATEGIES = {
    name: strategies.create(
        options["method"], **{key: value for key, value in options.items() if key != "method"}
    )
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
