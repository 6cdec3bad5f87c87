"""All keys of the configuration, as they are given, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, MinLen

from fal.data.labeling import Labeling
from fal.errors import InputError
from fal.federated.options import Distillation, Training
from fal.options import Options, Words
from fal.reporting.options import REFERENCES, Compare, Figure, Style
from fal.scale import Scale

Entries = Annotated[
    tuple[Any, ...], MinLen(1), Words("a list, not empty, of names or of {name: {options}}")
]
Entry = Annotated[Any, Words("a name, or {name: {options}}")]
Clients = Annotated[
    Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)]
    | Annotated[Mapping[Literal["from"], Literal["table", "folder", "features"]], MinLen(1)],
    Words(
        "a list, not empty, of numbers of at least 1, or {from: table}, {from: folder} or "
        "{from: features}"
    ),
]


@dataclass(frozen=True, kw_only=True)
class Compute(Options):
    """Where and how jobs compute. None of it makes anything run again."""

    device: Annotated[
        str, Words("auto, cpu, cuda or cuda:N", pattern="^(auto|cpu|cuda|cuda:[0-9]+)$")
    ] = "auto"
    """Device of the jobs; auto is the GPU where there is one."""
    threads: Annotated[int, Ge(1)] = 1
    """CPU threads of a job; on the CPU the last digits of a result depend on it."""
    inference_batch: Annotated[int, Ge(1)] = 64
    """Images per forward pass when nothing is trained. Beyond 64 of 32x32 pixels a CPU gets slower:
    each pass then asks the system for its memory anew."""
    checkpoint_seconds: Annotated[float, Ge(0)] = 60
    """Least time between two savings of a training's state, from which a killed job goes on."""


@dataclass(frozen=True, kw_only=True)
class Configuration(Options):
    """All keys of a configuration. Every combination of datasets, alphas, clients, models,
    algorithms, strategies and seeds is run, or, where there are figures of accuracy or
    predictions, what these show, with every seed."""

    extends: Annotated[str, MinLen(1)] | None = None
    """Another configuration file, by its path from this one, which this one changes."""
    results: Annotated[str, Words("a path, not empty and without braces", pattern="^[^{}]+$")] = (
        "results"
    )
    """Folder that everything of a run is written to."""
    data_path: Annotated[str, MinLen(1)] | None = None
    """Folder or archive of the data sets that name no path of their own; the embedded digits need
    none. CIFAR and Tiny-ImageNet are looked for in the folder, or downloaded if there is none."""
    datasets: Entries = ("digits",)
    """Data sets, each a name or a mapping of one name to its options."""
    partition: Entry = "dirichlet"
    """How the training images are divided among the clients: a name or a mapping of one name to
    its options."""
    alphas: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)] = (0.1,)
    """Concentrations of the Dirichlet distribution of classes over clients, for the partitions that
    are one; the smaller, the more the clients differ."""
    clients: Clients = (10,)
    """Numbers of clients that the training images are divided among, or where the data sets tell
    which site (such as a hospital) each image is from: {from: table}, {from: folder} or
    {from: features}; then each site is a client, and neither partition nor alphas are asked."""
    models: Entries = ("cnn",)
    """Networks, each a name or a mapping of one name to its options."""
    algorithms: Entries = ("fedavg",)
    """Federated learning algorithms, each a name or a mapping of one name to its options."""
    strategies: Entries = ("random", "g-entropy", "ifal")
    """Query strategies, each a name or a mapping of one name to its options."""
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (1, 2, 3)
    """Seeds; everything is repeated for each of them."""
    oracle: Entry = "simulated"
    """Who labels the queried images: a name, or a mapping of one name to its options."""
    labeling: Labeling = field(default_factory=Labeling)
    """How many images are labeled, per client."""
    training: Training = field(default_factory=Training)
    """Federated training in each cycle, from a fresh model."""
    distillation: Distillation = field(default_factory=Distillation)
    """Training of the clients' distilled models, for the strategies that need them."""
    compute: Compute = field(default_factory=Compute)
    """Where and how jobs compute."""
    keep: tuple[Literal["outputs", "clients"], ...] = ()
    """Large files to keep that are otherwise removed once they were used: outputs, the features
    and logits of all images; clients, the local and distilled models of queried cycles."""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    """Figures of several panels, by name. Without any, all settings are shown in one."""
    style: Style = field(default_factory=Style)
    """How all pictures look."""
    scale: Scale = field(default_factory=Scale)
    """What is made smaller, so that an experiment runs on a small machine; every figure and table
    says so."""
    partial: bool = False
    """Draw what is there, name what is missing and compute nothing, while a run goes on."""
    compare: Compare = field(default_factory=dict)
    """Accuracy tables of other runs, by the label that they get in figures and verdicts."""
    references: Annotated[tuple[str, ...], MinLen(1)] = REFERENCES
    """Strategies that all others are compared with in the verdicts, the first also in the sentence
    on each setting; random and ifal need not be there. Those of other runs are called by their
    label too: ifal (before)."""

    def __post_init__(self) -> None:
        for key in ("alphas", "clients", "seeds"):
            given = getattr(self, key)
            values = [] if isinstance(given, Mapping) else list(given)
            for position, value in enumerate(values):
                if value in values[:position]:
                    raise InputError(f"{key} has {value:g} more than once; list every value once")
