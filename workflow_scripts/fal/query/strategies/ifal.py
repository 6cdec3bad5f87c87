"""IFAL: inconsistency between and within models (Zong, Jin and Huang, IJCAI 2025)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from fal.errors import InputError
from fal.options import Words
from fal.query.ranking import to_numpy, top
from fal.query.strategies.base import Scores, Strategy

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool

K = "a whole number from 1 up or a fraction between 0 and 1"


@dataclass(frozen=True, kw_only=True)
class IFAL(Strategy):
    """Diverse examples among those whose structural probabilities are most inconsistent."""

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
    inconsistency: Literal["inter*intra", "inter", "intra", "none"] = "inter*intra"
    """The score: the product of both parts (Eq. 7), one of them, or none: all are candidates."""
    diversity: bool = True
    """Query k-means representatives of the candidates, and not the highest scores."""
    restarts: Annotated[int, Ge(1)] = 10
    """Starts of k-means, of which the best clusters are taken."""
    top_fraction: Annotated[float, Gt(0), Le(1)] | None = None
    """This fraction of the unlabeled images are candidates; null: those above Otsu's threshold."""
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
        if not self._has("inter"):
            return ("local",)
        return ("global", "local", "kd") if self.distilled else ("global", "local")

    @property
    def figures(self) -> tuple[str, ...]:
        return ("inconsistency",) if self.inconsistency == "inter*intra" else ()

    def _has(self, part: str) -> bool:
        return part in self.inconsistency.split("*")

    def score(self, pool: Pool) -> Scores:
        """Columns score, d_local_kd, d_global_kd, inter, intra, total (= score) and candidate.

        Parts that the options leave out are NaN; without any part there are no columns.
        """
        import torch

        from fal.query.inconsistency import combine

        if self.inconsistency == "none":
            return {}
        nearest = {role: self._neighbors(pool, role) for role in self.needs}
        options = self._ground_options(pool)
        missing = torch.full((pool.size,), math.nan, dtype=torch.float64)
        parts = dict.fromkeys(("d_local_kd", "d_global_kd", "inter", "intra"), missing)
        if self._has("inter"):
            parts |= self._inter(pool, nearest, options)
        if self._has("intra"):
            parts["intra"] = self._intra(pool, nearest["local"], options)
        total = parts["inter"] if self._has("inter") else parts["intra"]
        if self.inconsistency == "inter*intra":
            total = combine(parts["inter"], parts["intra"])
        candidate = total > self.threshold(total)
        return {"score": total, **parts, "total": total, "candidate": candidate}

    def threshold(self, total: Tensor | np.ndarray) -> float:
        """What the total [U] of a candidate exceeds (Eq. 8)."""
        from fal.query.selection import otsu_threshold

        total = to_numpy(total)
        if self.top_fraction is None or len(total) < 2:
            return otsu_threshold(total)
        count = min(math.ceil(self.top_fraction * len(total)), len(total) - 1)
        return float(np.sort(total)[::-1][count])

    def route(self, scores: Scores, budget: int) -> str:
        """How ``select`` comes to its candidates.

        otsu: total above the threshold (fraction: in the top fraction). inter: too few of these,
        so Otsu's threshold on the inter-model score alone. top: too few of these as well, or no
        diversity wanted: the highest totals. all: there is no score.
        """
        return self._candidates(scores, budget)[0]

    def _candidates(self, scores: Scores, budget: int) -> tuple[str, np.ndarray | None]:
        """The route, and the candidates [U] as truth values if scores decide them."""
        from fal.query.selection import otsu_threshold

        if "total" not in scores:
            return "all", None
        if not self.diversity:
            return "top", None
        candidate = to_numpy(scores["candidate"])
        if candidate.sum() >= budget:
            return "otsu" if self.top_fraction is None else "fraction", candidate
        if self.inconsistency == "inter*intra" and self.top_fraction is None:
            inter = to_numpy(scores["inter"])
            candidate = inter > otsu_threshold(inter)
            if candidate.sum() >= budget:
                return "inter", candidate
        return "top", None

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> np.ndarray:
        """k-means representatives, by direction of the local features, of the candidates."""
        from torch.nn.functional import normalize

        from fal.query.selection import kmeans_representatives

        route, candidate = self._candidates(scores, budget)
        if route == "top":
            return top(scores["total"], budget)
        candidates = np.arange(pool.size) if candidate is None else np.flatnonzero(candidate)
        unit = normalize(pool.features("local").cpu()[candidates], dim=1)
        return candidates[kmeans_representatives(unit, budget, seed, self.restarts).numpy()]

    def explain(self, scores: Scores, budget: int) -> dict[str, Any]:
        """route and threshold, see there; threshold is None where there is no score."""
        threshold = self.threshold(scores["total"]) if "total" in scores else None
        return {"route": self.route(scores, budget), "threshold": threshold}

    def warnings(self, unlabeled: int, budget: int) -> list[str]:
        if self.k < unlabeled or self.inconsistency == "none":
            return []
        return [
            f"k is {self.k:g}, but some client has no more unlabeled images to send arrows "
            "to, so that all structural probabilities are alike; use a smaller k, or a fraction "
            "such as 0.2"
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
