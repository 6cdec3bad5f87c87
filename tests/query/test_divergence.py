"""Divergences against SciPy and POT, row by row."""

import numpy as np
import ot
import pytest
import torch
from scipy.spatial.distance import cosine, jensenshannon
from scipy.stats import entropy, wasserstein_distance

from fal.errors import InputError
from fal.query import divergence as dv


def rows(n, num_classes, seed, concentration=0.5):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(num_classes, concentration), n)


def pair(n, num_classes, seed=0):
    return rows(n, num_classes, 2 * seed), rows(n, num_classes, 2 * seed + 1)


def by_rows(function, p, q):
    return np.array([function(a, b) for a, b in zip(p, q, strict=True)])


def by_pot(p, q, cost):
    return by_rows(lambda a, b: ot.emd2(a, b, cost), p, q)


def measure(p, q, *args, **options):
    return dv.divergence(torch.from_numpy(p), torch.from_numpy(q), *args, **options).numpy()


@pytest.mark.parametrize("num_classes", [2, 10, 100])
def test_wasserstein_between_classless_rows(num_classes):
    p, q = pair(40, num_classes)
    values = measure(p, q, "wasserstein", "values")
    np.testing.assert_allclose(values, by_rows(wasserstein_distance, p, q), atol=1e-15)
    classes = np.arange(num_classes)
    index = measure(p, q, "wasserstein", "index")
    reference = by_rows(lambda a, b: wasserstein_distance(classes, classes, a, b), p, q)
    np.testing.assert_allclose(index, reference, rtol=1e-12)


@pytest.mark.parametrize("num_classes", [2, 10, 60])
def test_wasserstein_is_optimal_transport(num_classes):
    p, q = pair(40, num_classes, seed=1)
    classes = np.arange(num_classes)
    ordered = np.abs(classes[:, None] - classes).astype(float)
    np.testing.assert_allclose(
        measure(p, q, "wasserstein", "index"), by_pot(p, q, ordered), rtol=1e-9
    )
    np.testing.assert_allclose(
        measure(p, q, "wasserstein", "discrete"), by_pot(p, q, 1 - np.eye(num_classes)), rtol=1e-9
    )


@pytest.mark.parametrize("dim", [2, 3, 64])  # in few dimensions detours are shorter
@pytest.mark.parametrize("num_classes", [2, 10, 40])
def test_prototype_ground_is_optimal_transport(num_classes, dim):
    p, q = pair(30, num_classes, seed=2)
    p[0], q[1], q[2] = q[0], np.eye(num_classes)[0], p[2][::-1]
    means = np.random.default_rng(dim).standard_normal((num_classes, dim))
    means[-1] = means[0]
    cost = np.array([[max(cosine(a, b), 0) for b in means] for a in means])
    result = measure(p, q, ground="prototype", prototypes=torch.from_numpy(means))
    np.testing.assert_allclose(result, by_pot(p, q, cost), atol=1e-12)
    assert result[0] == 0


def test_a_detour_can_be_shorter_than_the_direct_way():
    angle = torch.tensor([0.0, 45.0, 90.0]).deg2rad()
    means = torch.stack([angle.cos(), angle.sin()], 1)
    assert dv.shortcuts(dv.cosine_distances(means)).tolist() == [False, True, False]
    p, q = torch.tensor([[0.5, 0.5, 0]]), torch.tensor([[0, 0.5, 0.5]])
    distance = dv.wasserstein(p, q, "prototype", prototypes=means)
    assert distance.item() == pytest.approx(1 - 0.5**0.5)


def test_unused_classes_are_one_apart_from_all_others():
    features = torch.tensor([[1.0, 0], [3, 0], [0, 2]])
    means = dv.class_prototypes(features, torch.tensor([0, 0, 2]), 4)
    assert means.tolist() == [[2, 0], [0, 0], [0, 2], [0, 0]]
    assert torch.equal(dv.cosine_distances(means), 1 - torch.eye(4))


def test_kl_and_js_equal_scipy():
    p, q = pair(40, 10, seed=3)
    p[0, :5] = 0
    p[0] /= p[0].sum()
    np.testing.assert_allclose(measure(p, q, "kl"), by_rows(entropy, p, q), rtol=1e-9)
    q[1, 3:] = 0
    q[1] /= q[1].sum()
    js = by_rows(jensenshannon, p, q) ** 2
    np.testing.assert_allclose(measure(p, q, "js"), js, rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_certain_and_contrary_rows_stay_finite(dtype):
    p, q = torch.eye(3, dtype=dtype)[[0, 1]], torch.eye(3, dtype=dtype)[[1, 1]]
    kl = dv.kl_divergence(p, q)
    assert kl.isfinite().all() and kl[0] > 80 and kl[1] == 0
    assert dv.js_divergence(p, q).tolist() == pytest.approx([np.log(2), 0])


@pytest.mark.parametrize("ground", ["values", "discrete", "index", "prototype"])
@pytest.mark.parametrize("kind", ["wasserstein", "kl", "js"])
def test_zero_of_equal_rows_symmetry_and_sign(kind, ground):
    p, q = (torch.from_numpy(x).float() for x in pair(20, 6, seed=4))
    options = {}
    if kind == "wasserstein" and ground == "prototype":
        options["prototypes"] = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    there = dv.divergence(p, q, kind, ground, **options)
    assert there.shape == (20,) and there.dtype == torch.float32 and (there > 0).all()
    torch.testing.assert_close(
        dv.divergence(p, p, kind, ground, **options), torch.zeros(20), atol=1e-7, rtol=0
    )
    if kind != "kl":
        torch.testing.assert_close(dv.divergence(q, p, kind, ground, **options), there)
    assert dv.divergence(p[:0], q[:0], kind, ground, **options).shape == (0,)


def test_classes_matter_except_to_values():
    p, q = torch.tensor([[0.9, 0.1, 0]]), torch.tensor([[0, 0.1, 0.9]])
    assert dv.wasserstein(p, q).item() == 0
    assert dv.wasserstein(p, q, "discrete").item() == pytest.approx(0.9)
    assert dv.wasserstein(p, q, "index").item() == pytest.approx(1.8)


def test_unknown_names():
    p = torch.ones(1, 2) / 2
    with pytest.raises(InputError, match="ground 'discret' is unknown; did you mean 'discrete'"):
        dv.wasserstein(p, p, "discret")
    with pytest.raises(InputError, match="'waserstein' is unknown; did you mean 'wasserstein'"):
        dv.divergence(p, p, "waserstein")
    with pytest.raises(InputError, match="ground 'prototype' needs prototypes"):
        dv.wasserstein(p, p, "prototype")
