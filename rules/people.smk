# What people are asked in a run, if they are the oracle, and how far they have come.

from pathlib import Path

from fal.annotation.answers import unused_answers
from fal.annotation.waiting import Asked, answered
from fal.data import oracles
from fal.layout import partition_name, setting_name
from fal.reporting.status import planned_cycles, read_planned

ORACLE = oracles.create(**settings.oracle)
# What the oracle reads beside its options: what it says depends on it.
ORACLE_FILES = {key: settings.oracle[key] for key in ORACLE.reads if settings.oracle.get(key)}
PLANNED = [] if workflow.is_main_process else read_planned(settings.results)
if ORACLE.asks_people:
    # For the step that reads answers: as its param it would have what is finished made anew.
    options = dict(settings.oracle)
    config["oracle"] = {options.pop("method"): options}


def first_asked(w):
    """What people are asked of a partition: of which class its first images are."""
    of = dict(w.items())
    labeled = fill(layout.partition("initial.npz"), of)
    return Asked(
        name=initial_task_name(w),
        query=Path(fill(layout.partition("initial_query.csv"), of)),
        listing=Path(fill(layout.partition("initial_tasks.json"), of)),
        dataset=Path(fill(layout.data("dataset.json"), of)),
        labeled=Path(labeled),
        trained=results_of(
            run for run in WHOLE_RUNS if fill(layout.partition("initial.npz"), run) == labeled
        ),
        answers=Path(ORACLE.answers),
        oracle=ORACLE,
    )


def asked_after(w):
    """What people are asked after a cycle: of which class the images are that it queried."""
    of = dict(w.items())
    return Asked(
        name=task_name(of),
        query=Path(cycle_file("query.csv", of)),
        listing=Path(cycle_file("tasks.json", of)),
        dataset=Path(fill(layout.data("dataset.json"), of)),
        labeled=Path(cycle_file("labeled.npz", of)),
        trained=results_of([of], after=int(of["cycle"])),
        answers=Path(ORACLE.answers),
        oracle=ORACLE,
    )


def results_of(runs, after=-1):
    """The results of all cycles of runs, each once, or of those after one."""
    results = (
        Path(model_file("result.json", {**run, "cycle": cycle}))
        for run in runs
        for cycle in range(after + 1, settings.labeling.cycles_on(run["dataset"]) + 1)
    )
    return tuple(dict.fromkeys(results))


def asked(run):
    """What people are asked in a run: about the first images, and about those of each query."""
    cycles = range(settings.labeling.cycles_on(run["dataset"]))
    return [first_asked(run), *(asked_after({**run, "cycle": cycle}) for cycle in cycles)]


def warn_of_unused_answers():
    """Tell of files in the folder of answers that answer nothing that was asked."""
    names = {task.name for run in WHOLE_RUNS for one in asked(run) for task in one.tasks() or []}
    for sentence in unused_answers(ORACLE.answers, names):
        logging.getLogger("fal").warning(sentence)


def cycles_to_run(run):
    """How many cycles of a run there are: with people, those that they have labeled the images of.

    The processes of jobs go by what was so when the run began, as people may answer meanwhile.
    """
    every = settings.labeling.cycles_on(run["dataset"]) + 1
    if not ORACLE.asks_people:
        return every
    if workflow.is_main_process:
        return answered(asked(run))
    # A partial run leaves no word of its own, and takes what is there.
    return every if settings.partial else planned_cycles(PLANNED, run)


def task_name(w):
    """What the tasks of a cycle are called."""
    run = dict(w.items())
    return f"{setting_name(run)}_seed-{run['seed']}_{run['strategy']}_cycle-{run['cycle']}"


def initial_task_name(w):
    """What the tasks about the first images are called."""
    return f"{partition_name(dict(w.items()))}_initial"


def answers_input(find):
    """An input function: the answers to what ``find`` says was asked. That they are newer is
    nothing; what they say is a param."""
    return lambda w: [ancient(str(path)) for path in find(w).files()]


def answers_param(find):
    """A function of params: what the answers to what ``find`` says was asked say."""
    return lambda w: find(w).given()
