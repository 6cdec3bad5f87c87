"""What the report says: from tables, pictures and records to the sections of the page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from fal.data import dataset as prepared
from fal.layout import factor_title, parse_path
from fal.reporting import charts, formats, verdict_texts
from fal.reporting.catalogue import Picture
from fal.reporting.costs import cost_summary
from fal.reporting.metrics import metrics_summary
from fal.reporting.page import (
    Chart,
    Gallery,
    Image,
    Page,
    Section,
    Table,
    data_uri,
    small_data_uri,
)
from fal.reporting.query_tables import given_labels, queried_labels, query_summary
from fal.reporting.tables import by_setting, setting_title, wide_tables
from fal.reporting.thumbnails import named_thumbnails

MANY_BYTES = 2_000_000
"""Of .svg files, from which on the page holds smaller pictures, so that it stays a few MB large."""

SHOWN = 24
"""Images of a query that are shown, evenly spread over the clients."""

LEAD = (
    "Clients hold private images of which few are labeled. In every cycle a global model is "
    "trained by federated learning; then each client picks, by a query strategy, the unlabeled "
    "images that an oracle labels next. Compared is the test accuracy that the strategies lead to."
)
TEXTS = {
    "accuracy": (
        "Accuracy",
        "Test accuracy in percent of the global model after its last round, by the share of the "
        "clients' images that are labeled. The first point comes before any query and is shared by "
        "all strategies that train alike. Strategies are ranked by the area under their "
        "curves, in the seeds that all of them have; dashed lines with open markers use the local "
        "models, their solid twins the global one. In the tables the highest mean of each column "
        "is marked.",
    ),
    "verdicts": (
        "Verdicts",
        "The pictures show how far each strategy is from the first reference, by area and in the "
        f"end. {verdict_texts.NOTE}",
    ),
    "across": ("Verdicts over all settings", verdict_texts.ACROSS_NOTE),
    "metrics": (
        "Who gains",
        "Metrics of the global model's last predictions (of local-only, of all clients' own "
        "models), means over the seeds that all have. Balanced accuracy is the mean over the "
        "classes, macro F1 the mean of the classes' F1 scores. A client's accuracy is that on its "
        "own test images where the data set has them, and otherwise the one to expect on its own "
        "mix of classes. "
        "Every cycle, class and client: "
        "tables/metrics.csv, class_metrics.csv and client_metrics.csv.",
    ),
    "partition": (
        "Partition",
        "Images of each class that each client holds. The smaller alpha, the concentration of the "
        "Dirichlet distribution, the more the clients differ. The colors follow the root of the "
        "counts, so that small counts stay visible.",
    ),
    "queries": (
        "Queries",
        "Above: true classes of the images that a strategy queried, against those of the pools it "
        "chose from, all clients and cycles together (mean over seeds; the lines are standard "
        "deviations). Below: their difference in percentage points, cycle by cycle. The classes "
        "of unlabeled images are known to this page only, never to a strategy; where the data set "
        "does not have them, people's answers are shown, without a pool. In the tables, "
        "means over seeds and cycles: a client's effective classes are the exponential of the "
        "entropy of what it queried, covered are those classes of its pool that its query has, and "
        "imbalance is the share of a query that would have to be of other classes for it to have "
        "the pool's class mix.",
    ),
    "inconsistency": (
        "Inconsistency",
        "Above: the unlabeled images of all clients by their inter- and intra-model inconsistency "
        "after some of the cycles (first seed; both axes logarithmic, images with a zero left "
        "out). Candidates are those whose product exceeds Otsu's threshold, which each client has "
        "of its own: the line is the median client's, the band spans all. Queried images that are "
        "no candidates come from a fall-back. Below, over all seeds: the share of the pool that "
        "were candidates, and how the clients came to theirs.",
    ),
    "cost": (
        "Cost",
        "Time and peak memory of each step's jobs, means over seeds and cycles, and what all "
        "participants of a round together receive from the server (down) and send to it (up), "
        "counted exactly: the weights, with batch-norm statistics and, for SCAFFOLD, the control "
        "variates, in megabytes of 10^6 bytes. Cycle 0 is trained once for all strategies "
        "(initial). Of a job that was killed and went on, the last attempt's time counts.",
    ),
}


@dataclass(frozen=True)
class Dataset:
    """A prepared data set in numbers: its name, classes, images, and what is to be known of it."""

    name: str
    classes: Sequence[str]
    train: int
    test: int
    note: str = ""


@dataclass(frozen=True)
class Verdicts:
    """The tables verdicts, verdicts_by_cycle, labels_saved and verdict_sentences (see
    ``fal.reporting.verdicts``).

    across, penalties: verdicts_across and penalty_matrix, where there are several settings.
    """

    comparisons: pd.DataFrame
    by_cycle: pd.DataFrame
    labels: pd.DataFrame
    sentences: pd.DataFrame
    across: pd.DataFrame | None = None
    penalties: pd.DataFrame | None = None


def read_dataset(info: str | Path) -> Dataset:
    """A data set from its dataset.json and the labels beside it."""
    found = json.loads(Path(info).read_text())
    train, test = (
        len(np.load(Path(info).with_name(f"{part}_labels.npy"), mmap_mode="r"))
        for part in ("train", "test")
    )
    return Dataset(found["name"], found["classes"], train, test, found.get("note", ""))


def page(
    accuracy: pd.DataFrame,
    verdicts: Verdicts,
    metrics: pd.DataFrame,
    queries: pd.DataFrame | None,
    costs: pd.DataFrame,
    pictures: Iterable[tuple[Picture, Path]],
    galleries: Sequence[Gallery],
    datasets: Sequence[Dataset],
    training: Mapping[str, Any],
    provenance: Mapping[str, Any],
    scale: str = "",
) -> Page:
    """The report of a run.

    accuracy, metrics, queries, costs: the tables of these names (queries is None where there were
    none). verdicts: what the strategies' comparison found. pictures: each with its .svg or .png.
    galleries: of queried images. training: the options of the federated training. provenance: the
    record that was written with the tables, with config, code_of and mixture. scale: what was made
    smaller, or nothing.
    """
    pictures = list(pictures)
    many = sum(path.stat().st_size for _, path in pictures) > MANY_BYTES
    images: dict[str, list[Image]] = {}
    for picture, path in pictures:
        small = many and picture.kind not in ("figure", "verdicts")
        images.setdefault(picture.kind, []).append(_image(picture, path, small))
    curves = [*images.pop("figure", []), *images.pop("accuracy", [])]
    tables = {
        "accuracy": _tables(wide_tables(accuracy), mark_best=True),
        "verdicts": _verdict_tables(verdicts),
        "metrics": _tables(metrics_summary(metrics), mark_best=True),
        "cost": _tables(cost_summary(costs), mark_best=False),
    }
    if verdicts.across is not None and verdicts.penalties is not None:
        tables["across"] = _across_tables(verdicts.across, verdicts.penalties)
    if queries is not None:
        tables["queries"] = _tables(query_summary(queries), mark_best=False)
    shown = {
        "accuracy": curves,
        "verdicts": images.pop("differences", []),
        "across": images.pop("verdicts", []),
        **images,
    }
    return Page(
        title=f"Federated active learning on {_words([d.name for d in datasets])}",
        lead=LEAD,
        warning=provenance["mixture"],
        sections=[
            Section(
                "overview",
                "Overview",
                verdicts=verdict_texts.sentences(verdicts.sentences),
                images=curves[:1],
                facts={
                    **({"Made smaller": scale} if scale else {}),
                    **facts(accuracy, datasets, training),
                },
            ),
            *(
                Section(
                    kind,
                    *TEXTS[kind],
                    charts=_charts(accuracy) if kind == "accuracy" else (),
                    images=shown.get(kind, ()),
                    galleries=galleries if kind == "queries" else (),
                    tables=tables.get(kind, ()),
                )
                for kind in TEXTS
                if shown.get(kind) or kind in tables
            ),
            _provenance(provenance),
        ],
    )


def facts(
    accuracy: pd.DataFrame, datasets: Sequence[Dataset], training: Mapping[str, Any]
) -> dict[str, str]:
    """What was compared, on what, and at which scale."""
    alphas = _values(accuracy, "alpha")
    labeled = {str(name): _labeled(rows) for name, rows in accuracy.groupby("dataset")}
    return {
        "Strategies": ", ".join(sorted(accuracy["strategy"].unique())),
        **{
            f"Data set {d.name}": (
                f"{d.train:,} training and {d.test:,} test images of {len(d.classes)} classes"
                + (f". {d.note}" if d.note else "")
            )
            for d in datasets
        },
        "Clients": _values(accuracy, "clients") + (f", alpha {alphas}" if alphas else ""),
        "Model, algorithm": f"{_values(accuracy, 'model')}; {_values(accuracy, 'algorithm')}",
        **{
            "Labeled" if len(labeled) == 1 else f"Labeled of {name}": words
            for name, words in labeled.items()
        },
        "Training in a cycle": (
            f"{training['rounds']} rounds of {training['local_epochs']} local epochs, from a fresh "
            "model"
        ),
        "Seeds": _values(accuracy, "seed"),
    }


def _labeled(rows: pd.DataFrame) -> str:
    """How much of a data set was labeled at the start and in the end; rows: of its runs."""
    cycles = rows["cycle"].max()
    first, last = (rows[rows["cycle"] == c] for c in (0, cycles))
    shares = [100 * own["labeled_fraction"].mean() for own in (first, last)]
    counts = [own["labeled"].mean() for own in (first, last)]
    start = f"{shares[0]:.1f} % of the images at the start"
    if not cycles:
        return f"{start} ({counts[0]:.0f} images)"
    queries = "1 query" if cycles == 1 else f"{cycles} queries"
    return f"{start}, {shares[1]:.1f} % after {queries} ({counts[0]:.0f} to {counts[1]:.0f} images)"


def _values(table: pd.DataFrame, column: str) -> str:
    return ", ".join(f"{value}" for value in sorted(table[column].unique()))


def _image(picture: Picture, path: Path, small: bool) -> Image:
    of = {key: str(value) for key, value in picture.of.items()}
    if "model" in picture.of:
        of = {"setting": setting_title(picture.of)}
        title = of["setting"]
        if "strategy" in picture.of:
            of["strategy"] = picture.of["strategy"]
            title = f"{of['strategy']} ({title})"
    elif picture.of:
        place = ", ".join(factor_title(f, of[f]) for f in ("dataset", "alpha", "clients"))
        title = f"{place}, seed {of['seed']}"
    else:
        title = f"Figure {picture.name}"
    data = small_data_uri(path.with_suffix(".png")) if small else data_uri(path)
    return Image(title, data, f"figures/{path.name}", of)


def _charts(accuracy: pd.DataFrame) -> list[Chart]:
    titled = ((setting_title(setting), rows) for setting, rows in by_setting(accuracy))
    return [
        Chart(title, charts.learning_curves(rows), {"setting": title}) for title, rows in titled
    ]


def first_queries(
    queries: Iterable[str | Path], datasets: Mapping[str, str | Path]
) -> list[Gallery]:
    """The first images of queries, with the names of their true classes.

    queries: query.csv files, each of one cycle of one run. datasets: the folder of each data set.
    Data sets that hold no images, but features, have none.
    """
    galleries = []
    for path in queries:
        run = parse_path(path)
        dataset = prepared.Dataset.open(datasets[run["dataset"]])
        if dataset.train_images.dtype != np.uint8:
            continue
        index = pd.read_csv(path, usecols=["client", "index"])["index"]
        spread = index.iloc[np.linspace(0, len(index) - 1, min(SHOWN, len(index))).astype(int)]
        title = f"{run['strategy']} ({setting_title(run)}), seed {run['seed']}, first query"
        given = given_labels(Path(path).parent, index)
        labels = queried_labels(dataset.train_labels, index, given)
        pictures = named_thumbnails(spread, dataset.train_images, labels, dataset.classes)
        of = {"setting": setting_title(run), "strategy": run["strategy"]}
        galleries.append(Gallery(title, pictures, of))
    return galleries


def _verdict_tables(verdicts: Verdicts) -> list[Table]:
    compared = verdict_texts.every_comparison(
        verdicts.comparisons, verdicts.by_cycle, verdicts.labels
    )
    return [
        Table(title, formats.to_html(table, mark_best=False), {"setting": title.split(":")[0]})
        for title, table in compared.items()
    ]


def _across_tables(aggregates: pd.DataFrame, penalties: pd.DataFrame) -> list[Table]:
    texts = verdict_texts.across(None, aggregates, penalties.set_index("strategy"))
    return [Table(title, formats.to_html(text, mark_best=False)) for title, text in texts.items()]


def _tables(tables: Mapping[str, formats.Measured], mark_best: bool) -> list[Table]:
    return [
        Table(title, formats.to_html(table, mark_best), {"setting": title})
        for title, table in tables.items()
    ]


def _provenance(record: Mapping[str, Any]) -> Section:
    versions = {k: v for k, v in record["versions"].items() if v}
    blocks = {"Configuration": yaml.safe_dump(record["config"], sort_keys=False)}
    blocks["Code: what each script imported, by digest of its source"] = "\n".join(
        f"{script}: {module} {' and '.join(digests)}"
        for script, modules in record["code_of"].items()
        for module, digests in modules.items()
    )
    return Section(
        "provenance",
        "Provenance",
        text=(
            "Random choices depend on the seed alone: the same configuration gives the same "
            "numbers on the same kind of machine. Every cycle's folder has a record of its own."
        ),
        facts={
            "Python": record["python"],
            "Platform": record["platform"],
            "Packages": ", ".join(f"{name} {text}" for name, text in versions.items()),
        },
        blocks=blocks,
    )


def _words(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
