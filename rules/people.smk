# What people are asked in a run, if they are the oracle, and how far they have come.

import json
from pathlib import Path

from fal.annotation.answers import find_answers
from fal.annotation.waiting import Asked, answered, given_answers
from fal.data import oracles
from fal.layout import partition_name, setting_name

ORACLE = oracles.create(**settings.oracle)


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


def task_name(w):
    """What the tasks of a cycle are called."""
    run = dict(w.items())
    return f"{setting_name(run)}_seed-{w.seed}_{w.strategy}_cycle-{w.cycle}"


def initial_task_name(w):
    """What the tasks about the first images are called."""
    return f"{partition_name(dict(w.items()))}_initial"


def answers_input(tasks):
    """An input function: the answers to the tasks of a list. That they are newer is nothing; what
    they say is a param."""
    return lambda w: [
        ancient(str(path))
        for name in json.loads(Path(fill(tasks, dict(w.items()))).read_text())
        if (path := find_answers(ORACLE.answers, name))
    ]


def answers_param(tasks):
    """A function of params: what the answers to the tasks of a list say."""

    def given(w):
        of = dict(w.items())
        dataset = Path(fill(layout.data("dataset.json"), of))
        return given_answers(Path(fill(tasks, of)), dataset, Path(ORACLE.answers))

    return given
