"""The graph network against one with a dense adjacency matrix; GCNAL's use of it."""

import numpy as np
import pytest
import torch

from fal.query.graph_network import CosineGraph, hidden_features
from fal.query.strategies import create
from fal.query.strategies.contract import example_pool
from fal.rng import torch_generator
from query import slow


def dense_adjacency(features):
    """(S - I) D^-1 + I, where D holds the column sums of S - I."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    affinity = unit @ unit.T - np.eye(len(unit))
    return affinity / affinity.sum(0) + np.eye(len(unit))


def dense_layers(features, num_labeled, seed, epochs):
    """CoreGCN's hidden layer and output logit, term by term, in double precision."""
    adjacency = torch.from_numpy(dense_adjacency(features))
    inputs = torch.nn.functional.normalize(torch.from_numpy(features), dim=1)
    rng = torch_generator(seed, "graph network")
    weights = []
    for shape in ((features.shape[1], 128), (128,), (128, 1), (1,)):
        bound = 1 / np.sqrt(shape[-1])
        weight = torch.empty(shape).uniform_(-bound, bound, generator=rng)
        weights.append(weight.double().requires_grad_())
    w1, b1, w2, b2 = weights
    adam = torch.optim.Adam(weights, lr=1e-3, weight_decay=5e-4)
    for _ in range(epochs):
        hidden = torch.relu(adjacency @ (inputs @ w1) + b1)
        hidden = hidden * (torch.rand(len(features), 128, generator=rng) >= 0.3) / 0.7
        labeled = torch.sigmoid(adjacency @ (hidden @ w2) + b2)
        loss = -labeled[:num_labeled].log().mean() - 1.2 * (1 - labeled[num_labeled:]).log().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    hidden = torch.relu(adjacency @ (inputs @ w1) + b1).detach()
    return hidden, (adjacency @ (hidden @ w2) + b2).detach()


def test_propagation_is_the_product_with_the_dense_matrix():
    rng = np.random.default_rng(0)
    features, x = rng.random((30, 5)), rng.normal(size=(30, 3))
    graph = CosineGraph(torch.from_numpy(features))
    found = graph.propagate(torch.from_numpy(x).float())
    np.testing.assert_allclose(found, dense_adjacency(features) @ x, rtol=1e-4, atol=1e-5)


def test_an_example_without_affinities_keeps_to_itself():
    features = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 0]])
    x = torch.tensor([[5.0], [7], [8], [9]])
    found = CosineGraph(features).propagate(x)
    np.testing.assert_allclose(found, [[5], [15], [15], [9]], rtol=1e-5)


@pytest.mark.parametrize("epochs", [1, 60])
def test_training_is_that_of_the_dense_network(epochs):
    pool = example_pool(unlabeled=40)
    features = pool.all_features("local")
    found = hidden_features(features, pool.num_labeled, seed=5, epochs=epochs)
    hidden, logit = dense_layers(features.double().numpy(), pool.num_labeled, 5, epochs)
    np.testing.assert_allclose(found, hidden, rtol=1e-3, atol=1e-4)
    found = hidden_features(features, pool.num_labeled, seed=5, epochs=epochs, with_output=True)
    np.testing.assert_allclose(found, torch.cat([hidden, logit], 1), rtol=1e-3, atol=1e-4)


def test_the_network_learns_who_is_labeled():
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(200, 8, generator=generator)
    features[:50, 0] += 2
    hidden = hidden_features(features, 50, seed=0)
    near, far = hidden[:50].mean(0), hidden[50:].mean(0)
    assert (near - far).norm() > 5 * (hidden[50:].std(0) / 150**0.5).norm()


@pytest.mark.parametrize("role", ["local", "global"])
@pytest.mark.parametrize("with_output", [False, True])
def test_gcnal_is_k_center_on_the_hidden_layer(role, with_output):
    pool = example_pool(unlabeled=30)
    features = pool.all_features(role).double().numpy()
    layers = dense_layers(features, pool.num_labeled, 2, 50)
    seen = torch.cat(layers, 1).numpy() if with_output else layers[0].numpy()
    centers, points = seen[: pool.num_labeled], seen[pool.num_labeled :]
    strategy = create(f"{role[0]}-gcnal", epochs=50, with_output=with_output)
    assert strategy.select(pool, {}, 6, 2).tolist() == slow.k_center_greedy(points, centers, 6)


def test_gcnal_looks_at_a_random_subset_only():
    pool = example_pool()
    strategy = create("l-gcnal", subset=15, epochs=2)
    queried = [set(strategy.select(pool, {}, 14, seed).tolist()) for seed in range(8)]
    assert len(set.union(*queried)) > 30
    assert len(strategy.select(pool, {}, 20, 0)) == 20
