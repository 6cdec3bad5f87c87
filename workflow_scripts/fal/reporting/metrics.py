"""Who gains: what a model's predictions on the test images say beyond their mean accuracy.

All follow from a confusion matrix, int64 [C, C]: images of each true class (rows) by predicted one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fal.layout import RUN, SETTING
from fal.reporting.formats import Measured
from fal.reporting.ranking import rows_of_common_seeds
from fal.reporting.tables import by_setting, run_table, setting_title

SUMMARY = ("accuracy", "balanced_accuracy", "macro_f1", "worst_class", "worst_client")
"""What ``metrics.csv`` tells of each model, in percent."""

_TITLES = {
    "accuracy": "accuracy (%)",
    "balanced_accuracy": "balanced accuracy (%)",
    "macro_f1": "macro F1 (%)",
    "worst_class": "worst class (%)",
    "worst_client": "worst client (%)",
}


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Of test images with ``labels``, int [T], and ``predicted``, int [..., T], by any number of
    models; labels below 0 are unknown."""
    known = labels >= 0
    cells = labels[known].astype(np.int64) * num_classes + predicted[..., known]
    return np.bincount(cells.ravel(), minlength=num_classes**2).reshape(num_classes, num_classes)


def accuracy(confusion: np.ndarray) -> float:
    """Share of the images that are classified correctly."""
    return _ratio(np.trace(confusion), confusion.sum()).item()


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Share [C] of each class's images that are classified correctly; NaN for a class without."""
    return _ratio(np.diag(confusion), confusion.sum(1))


def precisions(confusion: np.ndarray) -> np.ndarray:
    """Share [C] of the images predicted as each class that are of it; NaN if there are none."""
    return _ratio(np.diag(confusion), confusion.sum(0))


def f1_scores(confusion: np.ndarray) -> np.ndarray:
    """Harmonic mean [C] of recall and precision; NaN for a class neither there nor predicted."""
    return _ratio(2 * np.diag(confusion), confusion.sum(0) + confusion.sum(1))


def balanced_accuracy(confusion: np.ndarray) -> float:
    """Mean recall of the classes that have images."""
    return float(np.nanmean(recalls(confusion)))


def macro_f1(confusion: np.ndarray) -> float:
    """Mean F1 score of the classes that have images or are predicted."""
    return float(np.nanmean(f1_scores(confusion)))


def expected_accuracies(confusion: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Accuracy [N] to expect on images of each client's own class mix.

    counts: [N, C], training images of each client and class. Classes without test images count for
    nobody; a client of such classes only has NaN.
    """
    recall = recalls(confusion)
    tested = ~np.isnan(recall)
    shares = counts[:, tested]
    return _ratio(shares @ recall[tested], shares.sum(1))


def client_table(
    predicted: np.ndarray,
    labels: np.ndarray,
    counts: np.ndarray,
    site: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per client: client, name, images and accuracy in percent.

    labels: int [T], of the test images. predicted: int [T], or [N, T] where each client has a model
    of its own, which alone counts for it. counts: [N, C], training images of each client
    and class. site: int [T], whose test image each is (from N on: of no client); accuracy is that
    on the client's own ``images`` then, and NaN without any. names: of the sites. Without sites
    accuracy is what ``expected_accuracies`` says, and there is neither name nor number of images.
    """
    if site is None:
        models = np.atleast_2d(predicted)
        confusions = [confusion_matrix(labels, model, counts.shape[1]) for model in models]
        images = np.full(len(counts), pd.NA)
        each = (confusions[k % len(models)] for k in range(len(counts)))
        found = np.concatenate(list(map(expected_accuracies, each, counts[:, None])))
    else:
        known = (labels >= 0) & (site < len(counts))
        images = np.bincount(site[known], minlength=len(counts))
        by_its_own = np.where(known, site, 0), np.arange(len(labels))
        own = np.broadcast_to(predicted, (len(counts), len(labels)))[by_its_own]
        right = known & (own == labels)
        found = _ratio(np.bincount(site[right], minlength=len(counts)), images)
    return pd.DataFrame(
        {
            "client": np.arange(len(counts)),
            "name": list(names[: len(counts)]) or "",
            "images": pd.array(images, dtype="Int64"),
            "accuracy": 100 * found,
        }
    )


def class_table(confusion: np.ndarray, classes: Sequence[str], models: int = 1) -> pd.DataFrame:
    """One row per class: class, images, recall, precision and f1 in percent.

    confusion: of the predictions of so many ``models`` for the same images.
    """
    columns: dict[str, Any] = {"class": list(classes), "images": confusion.sum(1) // models}
    for name, values in (("recall", recalls), ("precision", precisions), ("f1", f1_scores)):
        columns[name] = 100 * values(confusion)
    return pd.DataFrame(columns)


def run_metrics(
    predicted: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    counts: np.ndarray,
    site: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """What the tables below tell of one model: the numbers ``SUMMARY`` in percent, and by_class and
    by_client, a table each.

    Where each client has a model of its own (``predicted`` [N, T]), SUMMARY and by_class are of the
    predictions of all of them together: accuracies and recalls are means over the clients.

    classes: their names. All else: see ``client_table``.
    """
    confusion = confusion_matrix(labels, predicted, len(classes))
    by_client = client_table(predicted, labels, counts, site, names)
    shares = (
        accuracy(confusion),
        balanced_accuracy(confusion),
        macro_f1(confusion),
        np.nanmin(recalls(confusion)),
    )
    percent = [*(100 * float(share) for share in shares), by_client["accuracy"].min()]
    return {
        **dict(zip(SUMMARY, percent, strict=True)),
        "by_class": class_table(confusion, classes, predicted.size // len(labels)),
        "by_client": by_client,
    }


def metrics_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per run and cycle, of its factors and ``run_metrics``; see ``run_table``."""
    return run_table(records)[[*RUN, *SUMMARY]]


def metrics_summary(table: pd.DataFrame) -> dict[str, Measured]:
    """Per setting (its title) one row per strategy: means over the seeds that all have (see
    ``fal.reporting.ranking.comparable``) after the last cycle."""
    return {
        setting_title(setting): Measured(groups.mean(), groups.std())
        for setting, rows in by_setting(_last_cycles(table))
        for groups in [rows.rename(columns=_TITLES).groupby("strategy")[list(_TITLES.values())]]
    }


def client_summary(table: pd.DataFrame) -> dict[str, Measured]:
    """Per setting (its title) one row per strategy: accuracies of its clients, by name, as means
    over the seeds as of ``metrics_summary``.

    table: rows of ``part_metrics_table`` by client, in settings whose clients have names.
    """
    return {
        setting_title(setting): Measured(groups.mean().unstack(), groups.std().unstack())
        for setting, rows in by_setting(_last_cycles(table).astype({"name": str}))
        for groups in [rows.groupby(["strategy", "name"])["accuracy"]]
    }


def _last_cycles(table: pd.DataFrame) -> pd.DataFrame:
    last = table[table["cycle"] == table.groupby(list(SETTING))["cycle"].transform("max")]
    return rows_of_common_seeds(last)


def part_metrics_table(records: Iterable[Mapping[str, Any]], part: str) -> pd.DataFrame:
    """One row per run, cycle and class (``part`` by_class) or client (by_client)."""
    runs = run_table(records)
    tables = [table.assign(run=position) for position, table in enumerate(runs[part])]
    joined = runs[[*RUN]].merge(pd.concat(tables), left_index=True, right_on="run")
    return joined.drop(columns="run").reset_index(drop=True)


def _ratio(part: Any, whole: Any) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
