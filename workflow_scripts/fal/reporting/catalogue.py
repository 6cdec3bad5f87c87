"""Which pictures a run has: what each shows and is called. Light, for the workflow's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fal.errors import InputError, suggest
from fal.layout import partition_name, setting_name
from fal.provenance import code_digest, source_digest

if TYPE_CHECKING:
    from fal.runs import Plan

SUFFIXES = ("png", "pdf", "svg")
"""The formats that every picture is saved in."""

FILES = (*SUFFIXES, "csv")
"""The suffixes of a picture's files: the formats, and the numbers that are drawn."""

OWN_KINDS = ("inconsistency",)
"""Kinds of pictures that only those strategies have that name them."""


@dataclass(frozen=True)
class Picture:
    """One picture of a run.

    kind: figure (several panels), accuracy, differences, verdicts, partition, queries or
    inconsistency. of: the factors and the strategy that it is about, for those who look for it.
    """

    kind: str
    name: str
    of: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The name of its files, without the suffix."""
        return self.name if self.kind == "figure" else f"{self.kind}_{self.name}"


ACROSS = Picture("verdicts", "critical-difference")
"""The diagram over all settings, whose name no figure may have, also where there is one setting."""


def pictures(
    plan: Plan,
    seeds: Iterable[int],
    own_kinds: Mapping[str, Collection[str]],
    queried: Collection[str],
) -> list[Picture]:
    """All pictures of a run, in the order in which they are looked at.

    own_kinds: the kinds of figures of its own that each strategy has. queried: the data sets that
    have a cycle that is followed by a query.

    Raises InputError if a strategy names a kind of figure that there is not, or if two pictures
    have the same name.
    """
    for strategy, kinds in own_kinds.items():
        for kind in kinds:
            if kind not in OWN_KINDS:
                raise InputError(
                    f"strategy '{strategy}' names the figure '{kind}', which is unknown"
                    f"{suggest(kind, OWN_KINDS)}"
                )
    found = [Picture("figure", name) for name in plan.grids]
    found += [Picture("accuracy", setting_name(setting), setting) for setting in plan.settings]
    found += [
        Picture("differences", setting_name(setting), setting)
        for setting, strategies in plan.compared
        if len(strategies) > 1
    ]
    if len(plan.settings) > 1:
        found.append(ACROSS)
    found += [
        Picture("partition", partition_name(partition), partition)
        for spread in plan.partitions
        for seed in seeds
        for partition in [{**spread, "seed": seed}]
    ]
    for setting, strategies in plan.compared:
        for strategy in strategies if setting["dataset"] in queried else ():
            name = f"{setting_name(setting)}_{strategy}"
            of = {**setting, "strategy": strategy}
            found += [Picture(kind, name, of) for kind in ("queries", *own_kinds[strategy])]
    drawn = found if ACROSS in found else [*found, ACROSS]
    for stem, count in Counter(picture.stem for picture in drawn).items():
        if count > 1:
            raise InputError(f"figures has '{stem}', which is the name of another picture")
    return found


def drawing_code() -> str:
    """Digest of the modules that draw: what changes there makes the pictures anew, in seconds."""
    here = Path(__file__).parent
    modules = sorted([*here.glob("*figures.py"), here / "drawing.py"])
    return code_digest({path.name: source_digest(path) for path in modules})
