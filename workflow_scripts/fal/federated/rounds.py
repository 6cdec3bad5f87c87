"""A federated training from the first round to the last."""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fal.errors import InputError
from fal.federated.algorithms import Algorithm
from fal.federated.algorithms.base import replace_rows
from fal.federated.checkpoint import Checkpoint, like
from fal.federated.cohort import Cohort
from fal.federated.models import Weights
from fal.federated.options import Training
from fal.federated.unwatched import Unwatched
from fal.storage import replacing

if TYPE_CHECKING:
    from fal.federated.algorithms.base import State
    from fal.progress import Progress

log = logging.getLogger(__name__)

HISTORY = ("round", "learning_rate", "train_loss", "accuracy")
"""What is kept of each round. round: counted from 1. accuracy: NaN where it was not tested."""

LAST = 5
"""The last rounds, of which the mean accuracy is told too."""

ABSURD = 10
"""How many times the loss of guessing, log(classes), a loss must be to be warned of."""


def train_rounds(
    algorithm: Algorithm,
    cohort: Cohort,
    training: Training,
    initial: Weights,
    accuracy: Callable[[Weights], float],
    checkpoint: Checkpoint | None = None,
    progress: Callable[[str, int, int], Progress | Unwatched] = Unwatched,
) -> tuple[State, list[dict[str, float]]]:
    """Train from the weights ``initial`` [1, ...], or from where ``checkpoint`` stands.

    accuracy: tests the weights of the part of the state that is ``algorithm.tested``, in percent.
    progress: makes what is told of each round, given a unit, how many there are and how many are
    done.

    Returns the algorithm's state and the history, a row of HISTORY for each round.
    Raises InputError if the loss or the weights become NaN or infinite, and Stopped if the job is
    to stop and all is saved.
    """
    state, history = _start(algorithm.init(initial, len(cohort.examples)), cohort, checkpoint)
    if history:
        log.info("%d of %d rounds were done before", len(history), training.rounds)
    with closing(progress("round", training.rounds, len(history))) as shown:
        for round_index in range(len(history), training.rounds):
            done, learning_rate = round_index + 1, training.rate(round_index)
            clients = training.participants(
                len(cohort.examples), cohort.seed, cohort.cycle, round_index, cohort.idle
            )
            state, diagnostics = algorithm.apply(state, cohort, clients, round_index, learning_rate)
            loss = float(diagnostics["loss"].mean())
            if math.isnan(loss) or not _finite(state[algorithm.tested]):
                raise InputError(
                    f"training has diverged in cycle {cohort.cycle}, round {done}: its loss or its "
                    "weights are no numbers any more; lower training.learning_rate"
                )
            tested = accuracy(state[algorithm.tested]) if training.evaluates(done) else math.nan
            history.append(dict(zip(HISTORY, (done, learning_rate, loss, tested), strict=True)))
            if checkpoint and checkpoint.due:
                checkpoint.save(state, history, f"round {done} of {training.rounds}")
            shown.update(done, loss=loss)
    return state, history


def _finite(weights: Weights) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in weights.values())


def _start(
    fresh: State, cohort: Cohort, checkpoint: Checkpoint | None
) -> tuple[State, list[dict[str, float]]]:
    """The state and history to go on from: those of the checkpoint if they fit."""
    saved = checkpoint.load(cohort.images.device) if checkpoint else None
    if saved is None:
        return fresh, []
    if not like(saved[0], fresh):
        assert checkpoint
        checkpoint.disregard("it belongs to another algorithm or network")
        return fresh, []
    return saved


def local_models(state: State, never_trained: Sequence[int]) -> Weights:
    """The clients' models [N, ...] that queries go by, from the state that a training ended with.

    A client's own is what its last local update gave. One that took part in no round has none but
    the untrained model, so the global model stands in for it.
    """
    if not never_trained:
        return state["local"]
    count = len(never_trained)
    stand_ins = {name: w.expand(count, *w.shape[1:]) for name, w in state["global"].items()}
    return replace_rows(state["local"], never_trained, stand_ins)


def write_history(path: str | Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write a training's history as CSV; what was not tested stays empty."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HISTORY)
        for row in history:
            numbers = (row[column] for column in HISTORY[1:])
            table.writerow([row["round"], *("" if math.isnan(n) else f"{n:.6f}" for n in numbers)])


def summarize(history: Sequence[Mapping[str, float]], labeled: int, images: int) -> dict[str, Any]:
    """What a training is compared by.

    accuracy: in percent after the last round. accuracy_last5: the mean after the last five rounds,
    None unless each was tested. labeled, labeled_fraction: of the clients' ``images``.
    """
    last = [row["accuracy"] for row in history[-LAST:]]
    tested = len(last) == LAST and not any(map(math.isnan, last))
    return {
        "accuracy": last[-1],
        "accuracy_last5": float(np.mean(last)) if tested else None,
        "labeled": labeled,
        "labeled_fraction": labeled / images,
    }


def doubtful_loss(history: Sequence[Mapping[str, float]], num_classes: int) -> str | None:
    """A sentence if the training ended with a loss far above that of guessing."""
    loss = history[-1]["train_loss"]
    if loss <= ABSURD * math.log(max(2, num_classes)):
        return None
    return (
        f"the training loss of the last round is {loss:.6g}, where guessing would give "
        f"{math.log(num_classes):.2f}: training.learning_rate is too high for these images"
    )
