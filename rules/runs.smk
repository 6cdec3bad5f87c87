# Which runs the configuration asks for, and the files of all of them.

from itertools import product

from fal.annotation.waiting import waiting_sentence
from fal.data.dataset import ARRAYS, METADATA, SITES, TRAIN_FILES

LAST_CYCLES = {settings.labeling.cycles_on(setting["dataset"]) for setting in PLAN.settings}
WHOLE_RUNS = [
    {**setting, "strategy": strategy, "seed": seed}
    for setting, names in PLAN.compared
    for strategy, seed in product(names, settings.seeds)
]
try:
    if ORACLE.asks_people and workflow.is_main_process:
        warn_of_unused_answers()
    REACHED = [(run, cycles_to_run(run)) for run in WHOLE_RUNS]
except InputError as error:
    sys.exit(f"Error: {error}")
RUNS = [{**run, "cycle": cycle} for run, cycles in REACHED for cycle in range(cycles)]
# The tasks that people come to next in each run.
NEXT_ASKED = [
    one
    for run, cycles in (REACHED if ORACLE.asks_people and workflow.is_main_process else [])
    for one in asked(run)[cycles:][:1]
]


def tell_what_waits():
    """Say in one sentence what people are to do, if something is."""
    if sentence := waiting_sentence(NEXT_ASKED):
        logging.getLogger("fal").warning(sentence)


# Where nothing is to be done, neither onstart nor onsuccess comes to its turn.
tell_what_waits()


def present(files):
    """The files, each once, or of a partial run those that are there."""
    return [f for f in dict.fromkeys(files) if not settings.partial or Path(f).exists()]


def prepared_files(name):
    """The file `name` of every data set that is used."""
    used = dict.fromkeys(partition["dataset"] for partition in PLAN.partitions)
    return present(fill(layout.data(name), {"dataset": dataset}) for dataset in used)


def partition_files(name):
    """The file `name` of every partition that something is run on."""
    return present(
        fill(layout.partition(name), setting, seed=seed)
        for setting, seed in product(PLAN.settings, settings.seeds)
    )


def files_of_tasks():
    """What people come to next, and all that it follows from, in case that some of it is missing."""
    if not NEXT_ASKED:
        return []
    names = [METADATA, TRAIN_FILES, *(f"{key}.npy" for key in ARRAYS)]
    names += [SITES] if settings.clients_from else []
    prepared = [path for name in names for path in prepared_files(name)]
    return [*prepared, *present(str(p) for one in NEXT_ASKED for p in (one.query, one.listing))]


def trained_files(name):
    """The file `name` of every cycle that is trained."""
    return present(model_file(name, run) for run in RUNS)


if settings.partial and not [*trained_files("result.json"), *partition_files("partition.npz")]:
    sys.exit(
        f"Error: partial is true, but there is nothing in '{settings.results}' yet to look at; run "
        "it without partial, or give the folder with results"
    )


def is_queried(run):
    """Whether the cycle of a run is followed by a query, and that is done if the run is partial."""
    asked = run["cycle"] < settings.labeling.cycles_on(run["dataset"])
    return asked and bool(present([cycle_file("query_provenance.json", run)]))


QUERIES = list(filter(is_queried, RUNS))


def query_files(name):
    """The file `name` of every query."""
    return [cycle_file(name, run) for run in QUERIES]


def answered_files():
    """What is labeled after every query that has been answered, or is on its way to be."""
    after = (run for run in RUNS if run["cycle"] > 0)
    return present(cycle_file("labeled.npz", run, cycle=run["cycle"] - 1) for run in after)


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


def weights_to_keep(cycle):
    """Whether the clients' models of a cycle are kept: those of cycle 0, which other strategies
    share, and of the last cycle of a data set, which a further cycle would need, are."""
    return "clients" in settings.keep or cycle in {0, *LAST_CYCLES}


def cycles_where(kept):
    """The cycles whose weights are kept, or are not, as a wildcard's regular expression."""
    chosen = (str(c) for c in range(max(LAST_CYCLES) + 1) if weights_to_keep(c) == kept)
    return "|".join(chosen) or "none"
