"""What strategies have in common that measure IFAL's inconsistencies (Eq. 1 to 6)."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt

from fal.errors import InputError
from fal.options import Words
from fal.query.strategies.base import Strategy

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool

K = "a whole number from 1 up or a fraction between 0 and 1"
PARTS = ("inter", "intra")


@dataclass(frozen=True, kw_only=True)
class Inconsistent(Strategy):
    """A strategy that measures how inconsistent structural probabilities are."""

    k: Annotated[float, Gt(0), Words(K)] = 250
    """Nearest unlabeled images that each image sends an arrow to (Eq. 1), at most all others, or
    which fraction of a client's unlabeled images."""
    smoothing: Annotated[float, Ge(0)] = 1.0
    """Added to every count of arrows (Eq. 4)."""
    divergence: Literal["wasserstein", "kl", "js"] = "wasserstein"
    """How class distributions are compared."""
    ground: Literal["values", "discrete", "index", "prototype"] = "values"
    """Ground metric of the Wasserstein distance: values compares the sorted probabilities, discrete
    takes all classes as equally far apart, index as ordered, and prototype takes the distance
    between mean features of the local model's classes, by its own pseudo-labels."""
    pseudo_labels: Literal["global", "local"] = "global"
    """The model whose pseudo-labels the inter-model structures use."""
    distilled: bool = True
    """Compare local and global model by way of the distilled model (Eq. 6), or directly."""
    eps: Annotated[float, Gt(0)] = 1e-5
    """Keeps the ratio in Eq. 6 finite."""

    def __post_init__(self) -> None:
        if self.k >= 1 and not float(self.k).is_integer():
            raise InputError(f"k is {self.k}, but must be {K}")

    @property
    def needs(self) -> tuple[str, ...]:
        return ("global", "local", "kd") if self.distilled else ("global", "local")

    def parts(self, pool: Pool, wanted: Collection[str] = PARTS) -> dict[str, Tensor]:
        """Columns d_local_kd, d_global_kd, inter and intra, float64 [U].

        wanted: which of inter and intra; what is left out, or has no distilled model, is NaN.
        """
        import torch

        nearest = {role: self._neighbors(pool, role) for role in self.needs}
        options = self._ground_options(pool)
        missing = torch.full((pool.size,), math.nan, dtype=torch.float64)
        parts = dict.fromkeys(("d_local_kd", "d_global_kd", *PARTS), missing)
        if "inter" in wanted:
            parts |= self._inter(pool, nearest, options)
        if "intra" in wanted:
            parts["intra"] = self._intra(pool, nearest["local"], options)
        return parts

    def warnings(self, unlabeled: int, budget: int) -> list[str]:
        from fal.query.structure import num_arrows

        if unlabeled < 2 or num_arrows(self.k, unlabeled) < unlabeled - 1:
            return []
        return [
            f"k is {self.k:g}, but some client has no more other unlabeled images to send arrows "
            "to, so that all structural probabilities are nearly alike; use a smaller k, or a "
            "fraction such as 0.2"
        ]

    def _neighbors(self, pool: Pool, role: str) -> Tensor:
        from fal.query.structure import neighbors

        return neighbors(pool.labeled_features(role), pool.features(role), self.k)

    def _structure(self, pool: Pool, nearest: Tensor, role: str) -> Tensor:
        """Structural probabilities [U, C] with the pseudo-labels of the model ``role``."""
        from fal.query.structure import counts_from_neighbors, structural_probabilities

        counts = counts_from_neighbors(
            nearest, pool.labels_with_pseudo(role), pool.size, pool.num_classes
        )
        return structural_probabilities(counts, self.smoothing)

    def _ground_options(self, pool: Pool) -> dict[str, Tensor]:
        if self.divergence != "wasserstein" or self.ground != "prototype":
            return {}
        from fal.query.divergence import class_prototypes

        labels = pool.labels_with_pseudo("local")
        features = pool.all_features("local")
        return {"prototypes": class_prototypes(features, labels, pool.num_classes)}

    def _diverge(self, p: Tensor, q: Tensor, options: dict[str, Tensor]) -> Tensor:
        from fal.query.divergence import divergence

        distance = divergence(p.double(), q.double(), self.divergence, self.ground, **options)
        return distance.cpu()

    def _inter(
        self, pool: Pool, nearest: dict[str, Tensor], options: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        from fal.query.inconsistency import inter_model

        p = {role: self._structure(pool, nearest[role], self.pseudo_labels) for role in nearest}
        if not self.distilled:
            return {"inter": self._diverge(p["local"], p["global"], options)}
        d_local, d_global = (
            self._diverge(p[role], p["kd"], options) for role in ("local", "global")
        )
        inter = inter_model(d_local, d_global, self.eps)
        return {"d_local_kd": d_local, "d_global_kd": d_global, "inter": inter}

    def _intra(self, pool: Pool, nearest: Tensor, options: dict[str, Tensor]) -> Tensor:
        structure = self._structure(pool, nearest, "local")
        return self._diverge(pool.probabilities("local"), structure, options)
