from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fal.errors import InputError
from fal.federated import models, networks
from fal.federated.networks import NETWORKS
from fal.federated.networks.base import Network
from federated.cohorts import build, difference, equal

NAMES = [name for name in NETWORKS if "norm" in NETWORKS.options_of(name)]


def plain_cnn(net, x, statistics="batch"):
    """Features of the paper's network written out: conv - norm - ReLU - pool, in that order."""
    for block in net.backbone[:-1]:
        conv, norm = block.conv, block.norm
        x = F.conv2d(x, conv.weight, conv.bias, padding=1)
        if statistics == "batch":
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        else:
            mean, var = norm.running_mean, norm.running_var
        x = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
        x = F.relu(x * norm.weight[:, None, None] + norm.bias[:, None, None])
        x = F.max_pool2d(x, 2) if block.pool else x
    return x.flatten(1)


def randomize_norms(net):
    """Norm weights of both signs, running statistics unlike those of any batch."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, tensor in models.tensors(net).items():
            if ".norm." in name:
                drawn = torch.randn(tensor.shape, generator=generator)
                tensor.copy_(drawn.abs() + 0.5 if name.endswith("_var") else drawn)
    return net


@pytest.mark.parametrize(("size", "features", "pools"), [(32, 256, 4), (64, 1024, 4)])
def test_the_paper_s_network(size, features, pools):
    net = build("cnn", (3, size, size), 10)
    assert net.backbone(torch.zeros(2, 3, size, size)).shape == (2, features)
    assert sum(block.pool for block in net.backbone if hasattr(block, "pool")) == pools
    convolutions = 3 * 64 * 9 + 64 + 3 * (64 * 64 * 9 + 64)
    norms, head = 4 * 2 * 64, features * 10 + 10
    assert sum(p.numel() for p in net.parameters()) == convolutions + norms + head


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("size", [8, 13, 28])
def test_shapes_of_all_models(name, norm, size):
    net = build(name, (1, size, size), 4, norm)
    images = torch.zeros(2, 1, size, size)
    features = net.backbone(images)
    assert features.dim() == 2
    assert net(images).shape == (2, 1, 4)
    assert torch.equal(net.head(features), net.head(features))


@pytest.mark.parametrize("size", range(8, 65, 7))
def test_all_sizes_from_8_to_64_keep_at_least_2x2_pixels(size):
    net = build("cnn", (1, size, size + 3), 2)
    features = net.backbone(torch.zeros(1, 1, size, size + 3)).shape[1]
    assert features >= 64 * 4


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (3, 17, 20)])
def test_the_network_equals_its_definition_in_training(shape):
    net = randomize_norms(build("cnn", shape, 5, seed=1)).train()
    before = models.read(net)
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net.backbone(x), plain_cnn(net, x), rtol=1e-4, atol=1e-4)
    conv = F.conv2d(x, before["backbone.0.conv.weight"][0], before["backbone.0.conv.bias"][0], 1, 1)
    after = models.read(net)
    for name, batch in (("mean", conv.mean((0, 2, 3))), ("var", conv.var((0, 2, 3)))):
        running = f"backbone.0.norm.running_{name}"
        expected = 0.9 * before[running][0] + 0.1 * batch
        torch.testing.assert_close(after[running][0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8)])
def test_the_network_equals_its_definition_in_evaluation(shape):
    net = randomize_norms(build("cnn", shape, 5, seed=1)).eval()
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net.backbone(x), plain_cnn(net, x, "running"), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8)])
def test_gradients_equal_those_of_the_definition(shape):
    net = randomize_norms(build("cnn", shape, 5, seed=1)).train()
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0), requires_grad=True)
    out = torch.randn(6, 256, generator=torch.Generator().manual_seed(1))
    inputs = [x, *net.backbone.parameters()]
    fast = torch.autograd.grad((net.backbone(x) * out).sum(), inputs)
    slow = torch.autograd.grad((plain_cnn(net, x) * out).sum(), inputs)
    for a, b in zip(fast, slow, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-3 * max(1, b.abs().max().item()))


def test_constant_images_train_without_trouble():
    net = build("cnn", (1, 8, 8), 3).train()
    net(torch.zeros(4, 1, 8, 8)).sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())
    assert all(w.isfinite().all() for w in models.read(net).values())


def test_weights_depend_on_the_seed_alone():
    a = models.read(build("cnn", (1, 8, 8), 3, seed=4))
    torch.manual_seed(99)
    state = torch.get_rng_state()
    b = models.read(build("cnn", (1, 8, 8), 3, seed=4))
    assert torch.equal(torch.get_rng_state(), state)
    assert equal(a, b)
    assert not equal(a, models.read(build("cnn", (1, 8, 8), 3, seed=5)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_stack_gives_what_its_networks_give(name, norm):
    singles = [build(name, (2, 8, 8), 3, norm, seed=s) for s in range(3)]
    stack = build(name, (2, 8, 8), 3, norm, stack=3)
    rows = [models.read(net) for net in singles]
    models.write(stack, {key: torch.cat([row[key] for row in rows]) for key in rows[0]})
    images = torch.randn(5, 3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    for training in (False, True):
        together = stack.train(training)(images.flatten(1, 2))
        weights = models.read(stack)
        for s, net in enumerate(singles):
            alone = net.train(training)(images[:, s])[:, 0]
            torch.testing.assert_close(together[:, s], alone, rtol=1e-3, atol=1e-4)
            assert difference(models.row(weights, s), models.read(net)) < 1e-5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stack", [1, 2])
def test_weights_are_read_as_they_were_written(name, stack):
    net = build(name, (1, 8, 8), 3, stack=stack)
    weights = {key: torch.randn_like(value) for key, value in models.read(net).items()}
    models.write(net, weights)
    assert equal(models.read(net), weights)
    assert all(len(value) == stack for value in weights.values())
    assert not any("num_batches" in key for key in weights)


def test_reading_makes_copies():
    net = build("cnn", (1, 8, 8), 3)
    weights = models.read(net)
    weights["head.bias"] += 1
    assert not torch.equal(models.read(net)["head.bias"], weights["head.bias"])


def test_group_norm_has_no_statistics_and_does_not_mix_examples():
    net = build("cnn", (1, 8, 8), 3, norm="group").train()
    assert not any("running" in key for key in models.read(net))
    images = torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(net(images)[:1], net(images[:1]), rtol=1e-4, atol=1e-5)


def test_unknown_networks_norms_and_options_are_told():
    with pytest.raises(InputError, match=r"network 'own.py' is a file; .* 'own.py:ClassName'"):
        networks.create("own.py")
    with pytest.raises(InputError, match="network 'cnm' is unknown; did you mean 'cnn'"):
        networks.create("cnm")
    with pytest.raises(InputError, match=r"norm is .layer., which is unknown"):
        networks.create("cnn", norm="layer")
    with pytest.raises(InputError, match="network 'cnn' has no option 'depth'"):
        networks.create("cnn", depth=3)


def test_tiny_images_are_told():
    with pytest.raises(InputError, match="images of 7x8 pixels are too small: 8x8 is the least"):
        build("cnn", (1, 7, 8))


@dataclass(frozen=True, kw_only=True)
class OfLayers(Network):
    """A network made of given layers; channels: how many features they give."""

    layers: tuple = ()
    features: int = 2

    def backbone(self, image_shape):
        return nn.Sequential(*(make() for make in self.layers)), self.features


def small_network(*layers) -> OfLayers:
    pool = (lambda: nn.AdaptiveAvgPool2d(1), nn.Flatten)
    return OfLayers(layers=(*layers, *pool))


STACKABLE = {
    "dilation": lambda: nn.Conv2d(1, 2, 3, dilation=2),
    "stride": lambda: nn.Conv2d(1, 2, 3, stride=2, padding=(2, 1), bias=False),
    "same": lambda: nn.Conv2d(1, 2, 3, padding="same"),
}


@pytest.mark.parametrize("name", sorted(STACKABLE))
@pytest.mark.parametrize("training", [True, False])
def test_a_stack_keeps_the_settings_of_its_layers(name, training):
    network = small_network(
        STACKABLE[name],
        lambda: nn.BatchNorm2d(2, eps=0.3, momentum=0.7, affine=False),
        lambda: nn.GroupNorm(1, 2, eps=0.2),
        nn.ReLU,
    )
    singles = [models.build(network, (1, 9, 9), 3, seed=s).train(training) for s in (0, 1)]
    stack = models.build(network, (1, 9, 9), 3, stack=2).train(training)
    rows = [models.read(net) for net in singles]
    models.write(stack, {key: torch.cat([row[key] for row in rows]) for key in rows[0]})
    images = torch.randn(5, 2, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    together = stack(images.flatten(1, 2))
    for s, net in enumerate(singles):
        torch.testing.assert_close(together[:, s], net(images[:, s])[:, 0], rtol=1e-4, atol=1e-5)
        assert difference(models.row(models.read(stack), s), models.read(net)) < 1e-5
    assert models.stacks_exactly(network, (1, 9, 9))


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return x * self.scale


class Sharpened(nn.Conv2d):
    def forward(self, x):
        return super().forward(x) * 2


UNSTACKABLE = {
    "padding mode": lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"),
    "transposed": lambda: nn.ConvTranspose2d(2, 2, 3, padding=1),
    "linear": lambda: nn.Linear(9, 9),
    "layer norm": lambda: nn.LayerNorm([2, 9, 9]),
    "prelu": lambda: nn.PReLU(2),
    "own parameter": Scaled,
    "own convolution": lambda: Sharpened(2, 2, 3, padding=1),
}


@pytest.mark.parametrize("name", sorted(UNSTACKABLE))
def test_a_layer_that_cannot_be_stacked_is_refused_by_name(name):
    network = small_network(lambda: nn.Conv2d(1, 2, 3, padding=1), UNSTACKABLE[name])
    with pytest.raises(InputError, match=r"layer 'backbone\.1' .* cannot be stacked"):
        models.build(network, (1, 9, 9), 3, stack=2)
    assert not models.stacks_exactly(network, (1, 9, 9))
    net = models.build(network, (1, 9, 9), 3)
    assert net(torch.zeros(2, 1, 9, 9)).shape == (2, 1, 3)
    weights = {key: torch.randn_like(value) for key, value in models.read(net).items()}
    assert equal(models.read(models.write(net, weights)), weights)


@pytest.mark.parametrize(
    "layer", [lambda: nn.Softmax(1), lambda: nn.ChannelShuffle(2), lambda: nn.Unflatten(1, (2, 1))]
)
def test_layers_without_weights_that_mix_channels_are_found_out(layer):
    network = OfLayers(layers=(lambda: nn.Conv2d(1, 2, 9), layer, nn.Flatten))
    assert not models.stacks_exactly(network, (1, 9, 9))


@pytest.mark.parametrize("share", [1e-9, 0.5])
def test_layers_that_draw_at_random_are_found_out(share):
    network = small_network(lambda: nn.Conv2d(1, 2, 3), lambda: nn.Dropout(share))
    state = torch.get_rng_state()
    assert not models.stacks_exactly(network, (1, 9, 9))
    assert torch.equal(torch.get_rng_state(), state)


class InSinglePrecision(nn.Module):
    def forward(self, x):
        return x.float()


def test_a_network_that_insists_on_single_precision_is_not_stacked():
    layers = [nn.Identity, lambda: nn.Conv2d(1, 2, 3)]
    assert models.stacks_exactly(small_network(*layers), (1, 9, 9))
    layers[0] = InSinglePrecision
    assert not models.stacks_exactly(small_network(*layers), (1, 9, 9))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_all_networks_stack_exactly(name, norm):
    assert models.stacks_exactly(networks.create(name, norm=norm), (1, 8, 8))
