# How one cycle of a run links to the next: which files it reads.

from fal.layout import SHARED, fill

WEIGHTS = {
    "global": "global.safetensors",
    "local": "clients.safetensors",
    "kd": "kd.safetensors",
}


def objective_of(strategy):
    """How a strategy's models are trained: `common`, or its own way (`Strategy.training`)."""
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


def models_input(w):
    """The models that a strategy needs."""
    return {role: model_file(WEIGHTS[role], w) for role in STRATEGIES[w.strategy].needs}


def reports_input(w):
    """What clients that report in cycle 0 only were told then."""
    if int(w.cycle) == 0 or not STRATEGIES[w.strategy].reports_once:
        return {}
    return {"reported": cycle_file("explanation.json", w, cycle=0)}


def compared_models(w):
    """The local and global models of cycle 0."""
    return {role: model_file(WEIGHTS[role], w) for role in ("local", "global")}


def structure_options(strategy):
    """The options of a strategy ifal that structural probabilities depend on."""
    return {option: getattr(STRATEGIES[strategy], option) for option in ("k", "smoothing")}
