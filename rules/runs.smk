# Which runs the configuration asks for, and how one cycle of a run links to the next.

import json
from itertools import product
from pathlib import Path

from fal.annotation.answers import find_answers
from fal.annotation.waiting import Asked, answered
from fal.data import kinds, oracles
from fal.layout import SHARED, fill, partition_name, setting_name

ORACLE = oracles.create(**settings.oracle)
LAST_CYCLES = {
    settings.labeling.cycles_on(setting["dataset"]) for setting in settings.plan.settings
}

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


def asked(run):
    """What people are asked in a run: of which class the first images are, and those queried."""
    own = {
        "dataset": Path(fill(layout.data("dataset.json"), run)),
        "answers": Path(ORACLE.answers),
    }
    first = Asked(
        listing=Path(fill(layout.partition("initial_tasks.json"), run)),
        labeled=Path(fill(layout.partition("initial.npz"), run)),
        trained=Path(model_file("result.json", {**run, "cycle": 0})),
        **own,
    )
    return [
        first,
        *(
            Asked(
                listing=Path(cycle_file("tasks.json", run, cycle=cycle)),
                labeled=Path(cycle_file("labeled.npz", run, cycle=cycle)),
                trained=Path(cycle_file("result.json", run, cycle=cycle + 1)),
                **own,
            )
            for cycle in range(settings.labeling.cycles_on(run["dataset"]))
        ),
    ]


def cycles_to_run(run):
    """How many cycles of a run there are: with people, those that they have labeled the images of."""
    if ORACLE.asks_people:
        return answered(asked(run))
    return settings.labeling.cycles_on(run["dataset"]) + 1


WHOLE_RUNS = [
    {**setting, "strategy": strategy, "seed": seed}
    for setting, names in settings.plan.compared
    for strategy, seed in product(names, settings.seeds)
]
try:
    RUNS = [{**run, "cycle": cycle} for run in WHOLE_RUNS for cycle in range(cycles_to_run(run))]
except InputError as error:
    sys.exit(f"Error: {error}")
# The tasks that people come to next in each run.
NEXT_ASKED = [
    one
    for run in (WHOLE_RUNS if ORACLE.asks_people else [])
    for one in asked(run)[cycles_to_run(run) :][:1]
]


def task_name(w):
    """What the tasks of a cycle are called."""
    run = dict(w.items())
    return f"{setting_name(run)}_seed-{w.seed}_{w.strategy}_cycle-{w.cycle}"


def initial_task_name(w):
    """What the tasks about the first images are called."""
    return f"{partition_name(dict(w.items()))}_initial"


def answers_input(tasks):
    """An input function: the answers to the tasks of a list; that they are newer is nothing."""
    return lambda w: [
        ancient(str(path))
        for name in json.loads(Path(fill(tasks, dict(w.items()))).read_text())
        if (path := find_answers(ORACLE.answers, name))
    ]


def present(files):
    """The files, each once, or of a partial run those that are there."""
    return [f for f in dict.fromkeys(files) if not settings.partial or Path(f).exists()]


def prepared_files(name):
    """The file `name` of every data set that is used."""
    used = dict.fromkeys(partition["dataset"] for partition in settings.plan.partitions)
    return present(fill(layout.data(name), {"dataset": dataset}) for dataset in used)


def partition_files(name):
    """The file `name` of every partition that something is run on."""
    return present(
        fill(layout.partition(name), setting, seed=seed)
        for setting, seed in product(settings.plan.settings, settings.seeds)
    )


def trained_files(name):
    """The file `name` of every cycle that is trained."""
    return present(model_file(name, run) for run in RUNS)


def is_queried(run):
    """Whether the cycle of a run is followed by a query, and that is done if the run is partial."""
    asked = run["cycle"] < settings.labeling.cycles_on(run["dataset"])
    return asked and bool(present([cycle_file("query_provenance.json", run)]))


QUERIES = list(filter(is_queried, RUNS))


def query_files(name):
    """The file `name` of every query."""
    return [cycle_file(name, run) for run in QUERIES]


def first_query_files(name):
    """The file `name` of every run's first query, for the first seed."""
    first = (run for run in QUERIES if run["cycle"] == 0 and run["seed"] == settings.seeds[0])
    return [cycle_file(name, run) for run in first]


def cost_files():
    """The provenance records of all steps of all cycles."""
    distilled = (
        model_file("kd_provenance.json", run)
        for run in QUERIES
        if "kd" in STRATEGIES[run["strategy"]].needs
    )
    return [
        *trained_files("provenance.json"),
        *present(distilled),
        *query_files("query_provenance.json"),
    ]


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


def weights_to_keep(cycle):
    """Whether the clients' models of a cycle are kept: those of cycle 0, which other strategies
    share, and of the last cycle of a data set, which a further cycle would need, are."""
    return "clients" in settings.keep or cycle in {0, *LAST_CYCLES}


def cycles_where(kept):
    """The cycles whose weights are kept, or are not, as a wildcard's regular expression."""
    chosen = (str(c) for c in range(max(LAST_CYCLES) + 1) if weights_to_keep(c) == kept)
    return "|".join(chosen) or "none"
