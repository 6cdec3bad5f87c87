# The checked configuration, the paths of a run, and the functions that link one cycle to the next.

from itertools import product

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from fal import settings
from fal.query import strategies
from fal.errors import InputError

# Snakemake leaves the numbers inside --config 'training={rounds: 5}' as texts.
update_config(config, settings.retyped(workflow.config_settings.config))
try:
    S = settings.resolve(config)
except InputError as error:
    raise WorkflowError(f"Configuration: {error}")

# Where and how fast a job runs must not decide whether it runs again, so it is no rule's param.
config["compute"] = S.compute

R = S.results
DATA = f"{R}/data/{{dataset}}"
SPLIT = f"{R}/partitions/{{dataset}}/alpha-{{alpha}}/clients-{{clients}}/seed-{{seed}}"
RUN = f"{R}/runs/{{dataset}}/alpha-{{alpha}}/clients-{{clients}}/seed-{{seed}}/{{model}}/{{algorithm}}"
CYCLE = f"{RUN}/{{strategy}}/cycle-{{cycle}}"
LOG = CYCLE.removeprefix(f"{R}/runs/")

SHARED = "initial"  # the strategy name under which the cycle 0 that all strategies share is kept
CYCLES = range(S.labeling["cycles"] + 1)
STRATEGIES = {
    name: strategies.create(
        options["method"], **{k: v for k, v in options.items() if k != "method"}
    )
    for name, options in S.strategies.items()
}
FACTORS = {
    "dataset": S.datasets,
    "alpha": [settings.format_number(alpha) for alpha in S.alphas],
    "clients": S.clients,
    "model": S.models,
    "algorithm": S.algorithms,
}
SETTINGS = [dict(zip(FACTORS, values)) for values in product(*FACTORS.values())]
RUNS = [
    {**setting, "strategy": strategy, "seed": seed, "cycle": cycle}
    for setting, strategy, seed, cycle in product(SETTINGS, S.strategies, S.seeds, CYCLES)
]


wildcard_constraints:
    **{factor: "[^/]+" for factor in [*FACTORS, "strategy"]},
    seed=r"\d+",
    cycle=r"\d+",
    role="global|local|kd",


def training_of(strategy):
    """How a strategy's models are trained: `common`, or the strategy's own loss."""
    return STRATEGIES[strategy].training if strategy in STRATEGIES else "common"


def branch(strategy, cycle):
    """The strategy under which the models of a cycle are kept: cycle 0 is shared."""
    return SHARED if int(cycle) == 0 and training_of(strategy) == "common" else strategy


def cycle_dir(w, strategy, cycle):
    """Folder of one cycle in the run that the wildcards name."""
    return CYCLE.format(
        **{**{k: w[k] for k in (*FACTORS, "seed")}, "strategy": strategy, "cycle": cycle}
    )


def models_dir(w):
    """Folder of the models that the wildcards' cycle is queried with."""
    return cycle_dir(w, branch(w.strategy, w.cycle), w.cycle)


def labeled_set(w):
    """What is labeled when a cycle begins: the initial set, or what the cycle before left."""
    if int(w.cycle) == 0:
        return f"{SPLIT}/initial.npz"
    return f"{cycle_dir(w, w.strategy, int(w.cycle) - 1)}/labeled.npz"


def clients_input(w):
    """What every step that looks at the clients reads."""
    return {
        "dataset": f"{DATA}/dataset.json",
        "partition": f"{SPLIT}/partition.npz",
        "labeled": labeled_set(w),
    }


def outputs_input(w):
    """The outputs of the models that a strategy needs, and what every step reads."""
    outputs = {
        role: f"{models_dir(w)}/outputs_{role}.safetensors" for role in STRATEGIES[w.strategy].needs
    }
    return {**clients_input(w), **outputs}
