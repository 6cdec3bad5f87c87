"""IFAL: inconsistency between and within models (Zong, Jin and Huang, IJCAI 2025)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.query.strategies.base import (
    Scores,
    Strategy,
    check_choice,
    check_count,
    check_flag,
    check_number,
    column,
)

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class IFAL(Strategy):
    """Diverse examples among those whose structural probabilities are most inconsistent.

    k: arrows that each example sends (Eq. 1), or a fraction of the unlabeled examples.
    smoothing: added to every arrow count (Eq. 4).
    divergence: wasserstein, kl or js. ground: of the Wasserstein distance: values, discrete, index
        or prototype (mean features of the local model's classes, by its own pseudo-labels).
    inconsistency: the score, inter*intra (Eq. 7), inter, intra, or none: all are candidates.
    diversity: query k-means representatives of the candidates, and not the highest scores.
    top_fraction: this share of the examples are candidates, and not those above Otsu's threshold.
    pseudo_labels: of the model, global or local, whose labels the inter-model structures use.
    distilled: compare local and global model by way of the distilled one (Eq. 6), or directly.
    eps: keeps the ratio in Eq. 6 finite.
    """

    k: float = 250
    smoothing: float = 1.0
    divergence: str = "wasserstein"
    ground: str = "values"
    inconsistency: str = "inter*intra"
    diversity: bool = True
    top_fraction: float | None = None
    pseudo_labels: str = "global"
    distilled: bool = True
    eps: float = 1e-5

    def __post_init__(self):
        check_number("k", self.k, 0, above=True)
        if self.k >= 1:
            check_count("k", self.k)
        check_number("smoothing", self.smoothing, 0)
        check_choice("divergence", self.divergence, ("wasserstein", "kl", "js"))
        check_choice("ground", self.ground, ("values", "discrete", "index", "prototype"))
        known = ("inter*intra", "inter", "intra", "none")
        check_choice("inconsistency", self.inconsistency, known)
        check_flag("diversity", self.diversity)
        if self.top_fraction is not None:
            check_number("top_fraction", self.top_fraction, 0, 1, above=True)
        check_choice("pseudo_labels", self.pseudo_labels, ("global", "local"))
        check_flag("distilled", self.distilled)
        check_number("eps", self.eps, 0, above=True)

    @property
    def needs(self) -> tuple[str, ...]:
        if not self._has("inter"):
            return ("local",)
        return ("global", "local", "kd") if self.distilled else ("global", "local")

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
        near = {role: self._neighbors(pool, role) for role in self.needs}
        options = self._ground_options(pool)
        missing = torch.full((pool.size,), math.nan, dtype=torch.float64)
        parts = dict.fromkeys(("d_local_kd", "d_global_kd", "inter", "intra"), missing)
        if self._has("inter"):
            parts |= self._inter(pool, near, options)
        if self._has("intra"):
            parts["intra"] = self._intra(pool, near["local"], options)
        total = parts["inter"] if self._has("inter") else parts["intra"]
        if self.inconsistency == "inter*intra":
            total = combine(parts["inter"], parts["intra"])
        candidate = total > self.threshold({"total": total})
        return {"score": total, **parts, "total": total, "candidate": candidate}

    def threshold(self, scores: Scores) -> float | None:
        """What the candidates' ``total`` exceeds (Eq. 8); None if there are no scores."""
        from fal.query.selection import otsu_threshold

        if "total" not in scores:
            return None
        total = column(scores, "total")
        if self.top_fraction is None or len(total) < 2:
            return otsu_threshold(total)
        count = min(math.ceil(self.top_fraction * len(total)), len(total) - 1)
        return float(total.sort(descending=True).values[count])

    def route(self, scores: Scores, budget: int) -> str:
        """How ``select`` comes to its candidates.

        otsu: total above the threshold (fraction: in the top fraction). inter: too few of these,
        so Otsu's threshold on the inter-model score alone. top: too few of these as well, or no
        diversity wanted: the highest totals. all: there is no score.
        """
        return self._candidates(scores, budget)[0]

    def _candidates(self, scores: Scores, budget: int) -> tuple[str, Tensor | None]:
        """The route, and the candidates [U] as truth values if scores decide them."""
        from fal.query.selection import otsu_threshold

        if "total" not in scores:
            return "all", None
        if not self.diversity:
            return "top", None
        candidate = column(scores, "candidate")
        if candidate.sum() >= budget:
            return "otsu" if self.top_fraction is None else "fraction", candidate
        if self.inconsistency == "inter*intra" and self.top_fraction is None:
            inter = column(scores, "inter")
            candidate = inter > otsu_threshold(inter)
            if candidate.sum() >= budget:
                return "inter", candidate
        return "top", None

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> Tensor:
        """k-means representatives, by direction of the local features, of the candidates."""
        import torch

        from fal.query import selection

        route, candidate = self._candidates(scores, budget)
        if route == "top":
            return selection.top(column(scores, "total"), budget)
        everyone = torch.arange(pool.size)
        candidates = everyone if candidate is None else everyone[candidate]
        features = pool.features("local").cpu()[candidates]
        unit = torch.nn.functional.normalize(features, dim=1)
        return candidates[selection.kmeans_representatives(unit, budget, seed)]

    def _neighbors(self, pool: Pool, role: str) -> Tensor:
        from fal.query.structure import neighbors

        return neighbors(pool.labeled_features(role), pool.features(role), self.k)

    def _structure(self, pool: Pool, near: Tensor, role: str) -> Tensor:
        """Structural probabilities [U, C] with the pseudo-labels of the model ``role``."""
        from fal.query import structure

        counts = structure.counts_from_neighbors(
            near, pool.labels_with_pseudo(role), pool.size, pool.num_classes
        )
        return structure.structural_probabilities(counts, self.smoothing)

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
        self, pool: Pool, near: dict[str, Tensor], options: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        from fal.query.inconsistency import inter_model

        p = {role: self._structure(pool, near[role], self.pseudo_labels) for role in near}
        if not self.distilled:
            return {"inter": self._diverge(p["local"], p["global"], options)}
        d_local, d_global = (
            self._diverge(p[role], p["kd"], options) for role in ("local", "global")
        )
        inter = inter_model(d_local, d_global, self.eps)
        return {"d_local_kd": d_local, "d_global_kd": d_global, "inter": inter}

    def _intra(self, pool: Pool, near: Tensor, options: dict[str, Tensor]) -> Tensor:
        structure = self._structure(pool, near, "local")
        return self._diverge(pool.probabilities("local"), structure, options)
