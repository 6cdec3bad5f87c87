# Which runs the configuration asks for, and how one cycle of a run links to the next.

from itertools import product

from fal.data import kinds
from fal.layout import SETTING, SHARED, fill, format_number

CYCLES = range(settings.labeling.cycles + 1)
QUERY_CYCLES = CYCLES[:-1]
SETTINGS = [
    dict(zip(SETTING, (dataset, model, format_number(alpha), clients, algorithm)))
    for dataset in settings.datasets
    for model in settings.models
    for alpha, clients in settings.spreads(dataset)
    for algorithm in settings.algorithms
]
RUNS = [
    {**setting, "strategy": strategy, "seed": seed, "cycle": cycle}
    for setting, strategy, seed, cycle in product(
        SETTINGS, settings.strategies, settings.seeds, CYCLES
    )
]

WEIGHTS = {
    "global": "global.safetensors",
    "local": "clients.safetensors",
    "kd": "kd.safetensors",
}


def fingerprint(dataset):
    """Names, sizes and times of a data set's files: what is added or changed makes it anew."""
    options = dict(settings.datasets[dataset])
    return kinds.create(options.pop("kind"), **options).fingerprint()


def objective_of(strategy):
    """What a strategy's models are trained for: `common`, or the strategy's own loss."""
    return STRATEGIES[strategy].training if strategy in STRATEGIES else "common"


def trainer(strategy, cycle):
    """The strategy under which the models of a cycle are kept: cycle 0 is shared."""
    shared = int(cycle) == 0 and objective_of(strategy) == "common"
    return SHARED if shared else strategy


def cycle_file(name, run, **other):
    """The file `name` of the cycle that a run or a job's wildcards name; `other` factors differ."""
    return fill(layout.cycle(name), dict(run.items()), **other)


def model_file(name, run):
    """The file `name` of the models that the cycle is queried with."""
    return cycle_file(name, run, strategy=trainer(run["strategy"], run["cycle"]))


def labeled_file(w):
    """What is labeled when a cycle begins: the initial set, or what the cycle before left."""
    if int(w.cycle) == 0:
        return layout.partition("initial.npz")
    return cycle_file("labeled.npz", w, cycle=int(w.cycle) - 1)


def clients_input(w):
    """What every step that looks at the clients reads."""
    return {
        "dataset": layout.data("dataset.json"),
        "partition": layout.partition("partition.npz"),
        "labeled": labeled_file(w),
    }


def trained_files(name):
    """The file `name` of every cycle that is trained, each once."""
    return list(dict.fromkeys(model_file(name, run) for run in RUNS))


def query_files(name):
    """The file `name` of every query."""
    return [cycle_file(name, run) for run in RUNS if run["cycle"] in QUERY_CYCLES]


def models_input(w):
    """The models that a strategy needs."""
    return {role: model_file(WEIGHTS[role], w) for role in STRATEGIES[w.strategy].needs}


def weights_to_keep(cycle):
    """Whether the clients' models of a cycle are kept: those of cycle 0, which other strategies
    share, and of the last cycle, which a further cycle would need, are."""
    return "clients" in settings.keep or cycle in (0, CYCLES[-1])


def cycles_where(kept):
    """The cycles whose weights are kept, or are not, as a wildcard's regular expression."""
    chosen = (str(cycle) for cycle in CYCLES if weights_to_keep(cycle) == kept)
    return "|".join(chosen) or "none"
