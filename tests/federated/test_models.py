import pytest
import torch
import torch.nn.functional as F

from fal.errors import InputError
from fal.federated import models
from federations import difference, equal

NAMES = sorted(models.BACKBONES)
torch.set_num_threads(1)


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
    net = models.build("cnn", (3, size, size), 10)
    assert net.backbone(torch.zeros(2, 3, size, size)).shape == (2, features)
    assert sum(block.pool for block in net.backbone if hasattr(block, "pool")) == pools
    convolutions = 3 * 64 * 9 + 64 + 3 * (64 * 64 * 9 + 64)
    norms, head = 4 * 2 * 64, features * 10 + 10
    assert sum(p.numel() for p in net.parameters()) == convolutions + norms + head


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("size", [8, 13, 28])
def test_shapes_of_all_models(name, norm, size):
    net = models.build(name, (1, size, size), 4, norm)
    images = torch.zeros(2, 1, size, size)
    features = net.backbone(images)
    assert features.dim() == 2
    assert net(images).shape == (2, 1, 4)
    assert torch.equal(net.head(features), net.head(features))


@pytest.mark.parametrize("size", range(8, 65, 7))
def test_all_sizes_from_8_to_64_keep_at_least_2x2_pixels(size):
    net = models.build("cnn", (1, size, size + 3), 2)
    features = net.backbone(torch.zeros(1, 1, size, size + 3)).shape[1]
    assert features >= 64 * 4


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (3, 17, 20)])
def test_the_network_equals_its_definition_in_training(shape):
    net = randomize_norms(models.build("cnn", shape, 5, seed=1)).train()
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
    net = randomize_norms(models.build("cnn", shape, 5, seed=1)).eval()
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net.backbone(x), plain_cnn(net, x, "running"), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8)])
def test_gradients_equal_those_of_the_definition(shape):
    net = randomize_norms(models.build("cnn", shape, 5, seed=1)).train()
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0), requires_grad=True)
    out = torch.randn(6, 256, generator=torch.Generator().manual_seed(1))
    inputs = [x, *net.backbone.parameters()]
    fast = torch.autograd.grad((net.backbone(x) * out).sum(), inputs)
    slow = torch.autograd.grad((plain_cnn(net, x) * out).sum(), inputs)
    for a, b in zip(fast, slow, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-3 * max(1, b.abs().max().item()))


def test_constant_images_train_without_trouble():
    net = models.build("cnn", (1, 8, 8), 3).train()
    net(torch.zeros(4, 1, 8, 8)).sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())
    assert all(w.isfinite().all() for w in models.read(net).values())


def test_weights_depend_on_the_seed_alone():
    a = models.read(models.build("cnn", (1, 8, 8), 3, seed=4))
    torch.manual_seed(99)
    state = torch.get_rng_state()
    b = models.read(models.build("cnn", (1, 8, 8), 3, seed=4))
    assert torch.equal(torch.get_rng_state(), state)
    assert equal(a, b)
    assert not equal(a, models.read(models.build("cnn", (1, 8, 8), 3, seed=5)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("training", [True, False])
def test_a_stack_gives_what_its_networks_give(name, norm, training):
    singles = [models.build(name, (2, 8, 8), 3, norm, seed=s).train(training) for s in range(3)]
    stack = models.build(name, (2, 8, 8), 3, norm, stack=3).train(training)
    rows = [models.read(net) for net in singles]
    models.write(stack, {key: torch.cat([row[key] for row in rows]) for key in rows[0]})
    images = torch.randn(5, 3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    together = stack(images.flatten(1, 2))
    for s, net in enumerate(singles):
        torch.testing.assert_close(together[:, s], net(images[:, s])[:, 0], rtol=1e-3, atol=1e-4)
        assert difference(models.row(models.read(stack), s), models.read(net)) < 1e-5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stack", [1, 2])
def test_weights_are_read_as_they_were_written(name, stack):
    net = models.build(name, (1, 8, 8), 3, stack=stack)
    weights = {key: torch.randn_like(value) for key, value in models.read(net).items()}
    models.write(net, weights)
    assert equal(models.read(net), weights)
    assert all(len(value) == stack for value in weights.values())
    assert not any("num_batches" in key for key in weights)


def test_reading_makes_copies():
    net = models.build("cnn", (1, 8, 8), 3)
    weights = models.read(net)
    weights["head.bias"] += 1
    assert not torch.equal(models.read(net)["head.bias"], weights["head.bias"])


def test_group_norm_has_no_statistics_and_does_not_mix_examples():
    net = models.build("cnn", (1, 8, 8), 3, norm="group").train()
    assert not any("running" in key for key in models.read(net))
    images = torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(net(images)[:1], net(images[:1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cnm", (1, 8, 8), 3), "did you mean 'cnn'"),
        (("cnn", (1, 8, 8), 3, "layer"), "known are batch, group"),
        (("cnn", (1, 7, 8), 3), "8x8 is the least"),
    ],
)
def test_unknown_models_and_tiny_images_are_told(arguments, message):
    with pytest.raises(InputError, match=message):
        models.build(*arguments)
