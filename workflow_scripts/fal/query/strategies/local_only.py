"""What federation is compared with: every client for itself."""

from __future__ import annotations

from dataclasses import dataclass

from fal.query.strategies.uniform import Random


@dataclass(frozen=True, kw_only=True)
class LocalOnly(Random):
    """A baseline: every client trains alone, on the images that `random` would label.

    Its accuracy is the mean of the clients' own models; one that never trains has an untrained one.
    """

    @property
    def training(self) -> str:
        return "local"
