# What the tables and figures are called, and the results that they are made from.

import re


def setting_name(setting):
    """A setting as part of a file's name, such as digits_cnn_alpha-0.1_clients-10_fedavg."""
    return "{dataset}_{model}_alpha-{alpha}_clients-{clients}_{algorithm}".format(**setting)


def cycle_files(name, runs):
    """The file `name` of all these runs, each once."""
    folders = (cycle_dir(run, run["strategy"], run["cycle"]) for run in runs)
    return [f"{folder}/{name}" for folder in dict.fromkeys(folders)]


TRAININGS = [{**run, "strategy": branch(run["strategy"], run["cycle"])} for run in RUNS]
QUERIES = [run for run in RUNS if run["cycle"] in CYCLES[:-1]]
SETTING_OF = {setting_name(setting): setting for setting in SETTINGS}
SPLIT_NAME = "{dataset}_alpha-{alpha}_clients-{clients}_seed-{seed}"
INCONSISTENCIES = [
    name
    for name, strategy in STRATEGIES.items()
    if getattr(strategy, "inconsistency", None) == "inter*intra"
]


wildcard_constraints:
    setting="|".join(map(re.escape, SETTING_OF)),


def query_files(name):
    """An input function: the files `name` of all queries of a strategy in a setting."""
    return lambda w: [
        f"{cycle_dir({**SETTING_OF[w.setting], 'seed': seed}, w.strategy, cycle)}/{name}"
        for seed, cycle in product(S.seeds, CYCLES[:-1])
    ]


def data_file(name):
    """An input function: the file `name` of a setting's data set."""
    return lambda w: f"{DATA}/{name}".format(**SETTING_OF[w.setting])


def all_tables():
    """The tables of the configuration's runs."""
    return [*rules.collect_results.output, *(rules.summarize_queries.output if QUERIES else [])]


def all_figures():
    """The figures of the configuration's runs."""
    names = [f"accuracy_{setting}" for setting in SETTING_OF]
    names += [f"partition_{SPLIT_NAME}".format(**run) for run in RUNS]
    if QUERIES:
        names += [f"queries_{x}_{y}" for x, y in product(SETTING_OF, S.strategies)]
        names += [f"inconsistency_{x}_{y}" for x, y in product(SETTING_OF, INCONSISTENCIES)]
    return [f"{R}/figures/{name}.png" for name in dict.fromkeys(names)]
