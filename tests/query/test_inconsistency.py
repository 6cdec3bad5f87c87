"""Eq. 6 and 7 against their formulas."""

import pytest
import torch

from fal.query import inconsistency


def slow_inter(d_k, d_g, eps):
    return (d_k + d_g) * max(d_k / (d_g + eps), d_g / (d_k + eps))


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_inter_model_is_equation_6(eps):
    d_k, d_g = torch.rand(2, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    d_k[:2], d_g[1:3] = 0, 0
    expected = [slow_inter(a, b, eps) for a, b in zip(d_k.tolist(), d_g.tolist(), strict=True)]
    result = inconsistency.inter_model(d_k, d_g, eps)
    assert result.tolist() == pytest.approx(expected)
    assert torch.equal(inconsistency.inter_model(d_g, d_k, eps), result)


def test_inter_model_is_zero_without_distances_and_grows_with_imbalance():
    d_k, d_g = torch.tensor([0, 0.2, 0.3, 0.4]), torch.tensor([0, 0.2, 0.1, 0.0])
    result = inconsistency.inter_model(d_k, d_g)
    assert result[0] == 0 and result[1] == pytest.approx(0.4, rel=1e-3)
    assert (result.diff() > 0).all() and result.isfinite().all()


def test_total_is_equation_7():
    inter, intra = torch.tensor([2.0, 0, 3]), torch.tensor([0.5, 4, 0.1])
    assert inconsistency.combine(inter, intra).tolist() == pytest.approx([1, 0, 0.3])
