"""What of an experiment is made smaller, so that it runs on a small machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from fal.options import Options


@dataclass(frozen=True, kw_only=True)
class Scale(Options):
    """Upper bounds that shrink an experiment; every figure and table made so says it."""

    images_per_client: Annotated[int, Ge(1)] | None = None
    """Training images per client: of each data set, so many for each of the first number in
    clients are drawn. Other numbers of clients share the same images."""
    image_size: Annotated[int, Ge(8)] | None = None
    """Height and width of the images."""
    rounds: Annotated[int, Ge(1)] | None = None
    """Communication rounds."""
    local_epochs: Annotated[int, Ge(1)] | None = None
    """Passes over a client's labeled images in each round."""
    distillation_epochs: Annotated[int, Ge(1)] | None = None
    """Passes over the labeled images in a distillation."""
    cycles: Annotated[int, Ge(0)] | None = None
    """Query cycles, of every data set."""
    seeds: Annotated[int, Ge(1)] | None = None
    """How many seeds, the first ones."""
    k: Annotated[float, Gt(0), Lt(1)] | None = None
    """What becomes of IFAL's k of 250, as a fraction of a client's unlabeled images; other counts
    in proportion. A client of few images has too few for the counts of the paper."""

    @property
    def words(self) -> str:
        """What was made smaller, for titles: 'scaled down to at most 10 rounds, 2 seeds'; or ''."""
        words = [
            text.format(value, "" if value == 1 else "s")
            for name, text in _WORDS.items()
            if (value := getattr(self, name)) is not None
        ]
        return f"scaled down to at most {', '.join(words)}" if words else ""


_WORDS = {
    "images_per_client": "{} image{} per client",
    "image_size": "{0}x{0} pixels",
    "rounds": "{} round{}",
    "local_epochs": "{} local epoch{}",
    "distillation_epochs": "{} epoch{} of distillation",
    "cycles": "{} query cycle{}",
    "seeds": "{} seed{}",
    "k": "k {} for 250",
}
