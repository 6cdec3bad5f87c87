"""Networks for vectors: what they compute, and that clients may train in lockstep."""

import pytest
import torch

from fal.data.images import Images
from fal.errors import InputError
from fal.federated import algorithms, models, networks
from federated.cohorts import build, difference, make_cohort, make_images, train


def vectors(count=60, dims=7):
    values = torch.randn(count, 1, 1, dims, generator=torch.Generator().manual_seed(0))
    return Images(values, [0.0] * dims, [1.0] * dims)


def test_linear_is_a_matrix():
    net = models.build(networks.create("linear"), (7, 1, 1), 3)
    x = torch.randn(4, 7, 1, 1)
    expected = x[:, :, 0, 0] @ net.head.weight.T + net.head.bias
    torch.testing.assert_close(net(x)[:, 0], expected)
    assert sum(p.numel() for p in net.parameters()) == 3 * 8


def test_mlp_against_plain_layers():
    net = models.build(networks.create("mlp", hidden=6, layers=2), (7, 1, 1), 3).eval()
    x = torch.randn(4, 7, 1, 1)
    h = x[:, :, 0, 0]
    for conv, norm in ((net.backbone[2], net.backbone[3]), (net.backbone[5], net.backbone[6])):
        h = h @ conv.weight[:, :, 0, 0].T + conv.bias
        h = torch.relu(norm(h[:, :, None, None])[:, :, 0, 0])
    torch.testing.assert_close(net(x)[:, 0], h @ net.head.weight.T + net.head.bias)


@pytest.mark.parametrize("name", ["linear", "mlp"])
@pytest.mark.parametrize("images", [vectors(), make_images(channels=3)])
def test_lockstep_makes_no_difference(name, images):
    assert models.stacks_exactly(networks.create(name), images.shape)
    made = networks.create(name)
    alone, together = (
        train(
            algorithms.create("scaffold"),
            make_cohort((9, 9, 9, 4, 1), images, network=made, lockstep=width),
        )[0]
        for width in (1, 8)
    )
    assert difference(alone["global"], together["global"]) < 1e-4


def test_networks_of_images_refuse_vectors():
    with pytest.raises(InputError, match="images of 1x1 pixels are too small: 8x8 is the least"):
        build("cnn", (7, 1, 1))
