"""Model inconsistency, IFAL's measure of how much an example has to teach (Eq. 6 and 7)."""

import torch
from torch import Tensor


def inter_model(d_local_kd: Tensor, d_global_kd: Tensor, eps: float = 1e-5) -> Tensor:
    """Inconsistency between models (Eq. 6): [U].

    d_local_kd, d_global_kd: [U], distance of the local and of the global model's structural
    probabilities to the distilled model's. High where both are far away and where one is much
    farther than the other; eps keeps the ratio finite.
    """
    ratio = torch.maximum(d_local_kd / (d_global_kd + eps), d_global_kd / (d_local_kd + eps))
    return (d_local_kd + d_global_kd) * ratio


def combine(inter: Tensor, intra: Tensor) -> Tensor:
    """Total inconsistency (Eq. 7): [U], high only where both are high."""
    return inter * intra
