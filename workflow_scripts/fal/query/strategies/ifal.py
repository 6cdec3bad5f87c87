"""IFAL: inconsistency between and within models (Zong, Jin and Huang, IJCAI 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from fal.data.sampling import round_up
from fal.query.ranking import to_numpy, top
from fal.query.strategies.base import Scores
from fal.query.strategies.inconsistent import PARTS, Inconsistent

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class IFAL(Inconsistent):
    """Diverse examples among those whose structural probabilities are most inconsistent."""

    inconsistency: Literal["inter*intra", "inter", "intra", "none"] = "inter*intra"
    """The score: the product of both parts (Eq. 7), one of them, or none: all are candidates."""
    diversity: bool = True
    """Query k-means representatives of the candidates, and not the highest scores."""
    restarts: Annotated[int, Ge(1)] = 10
    """Starts of k-means, of which the best clusters are taken."""
    top_fraction: Annotated[float, Gt(0), Le(1)] | None = None
    """This fraction of the unlabeled images are candidates; null: those above Otsu's threshold."""

    @property
    def needs(self) -> tuple[str, ...]:
        return super().needs if "inter" in self._parts else ("local",)

    @property
    def figures(self) -> tuple[str, ...]:
        return ("inconsistency",) if self.inconsistency == "inter*intra" else ()

    @property
    def _parts(self) -> tuple[str, ...]:
        return tuple(part for part in PARTS if part in self.inconsistency.split("*"))

    def score(self, pool: Pool) -> Scores:
        """Columns score, d_local_kd, d_global_kd, inter, intra, total (= score) and candidate.

        Parts that the options leave out are NaN; without any part there are no columns.
        """
        from fal.query.inconsistency import combine

        if not self._parts:
            return {}
        parts = self.parts(pool, self._parts)
        total = parts[self._parts[0]]
        if self._parts == PARTS:
            total = combine(parts["inter"], parts["intra"])
        candidate = total > self.threshold(total)
        return {"score": total, **parts, "total": total, "candidate": candidate}

    def threshold(self, total: Tensor | np.ndarray) -> float:
        """What the total [U] of a candidate exceeds (Eq. 8)."""
        from fal.query.selection import otsu_threshold

        total = to_numpy(total)
        if self.top_fraction is None or len(total) < 2:
            return otsu_threshold(total)
        count = min(round_up(self.top_fraction * len(total)), len(total) - 1)
        return float(np.sort(total)[::-1][count])

    def route(self, scores: Scores, budget: int) -> str:
        """How ``select`` comes to its candidates.

        otsu: total above the threshold (fraction: in the top fraction). inter: too few above the
        threshold, so Otsu's threshold on the inter-model score alone. top: too few of these as
        well, or in the top fraction, or no diversity wanted: the highest totals. all: there is no
        score.
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
            return top(scores["total"], budget, seed)
        candidates = np.arange(pool.size) if candidate is None else np.flatnonzero(candidate)
        unit = normalize(pool.features("local").cpu()[candidates], dim=1)
        return candidates[kmeans_representatives(unit, budget, seed, self.restarts).numpy()]

    def explain(self, scores: Scores, budget: int) -> dict[str, Any]:
        """route and threshold, see there; threshold is None where there is no score."""
        threshold = self.threshold(scores["total"]) if "total" in scores else None
        return {"route": self.route(scores, budget), "threshold": threshold}

    def warnings(self, unlabeled: int, budget: int) -> list[str]:
        return super().warnings(unlabeled, budget) if self._parts else []
