import numpy as np
import pytest
import torch

from fal.federated import evaluation, models
from fal.federated.networks import NETWORKS
from federated.cohorts import CLASSES, build, make_images


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_outputs_equal_those_of_images_one_by_one(name, batch_size):
    images = make_images(20, channels=3, flip=True, crop_padding=1)
    net = build(name, images.shape, CLASSES, seed=2)
    index = torch.tensor([3, 19, 4, 0, 4])
    outputs = evaluation.outputs(net, images, index, batch_size)
    net.eval()
    for i, example in enumerate(index):
        with torch.no_grad():
            features = net.backbone(images.batch(example.view(1, 1)))
            logits = net.head(features)
        torch.testing.assert_close(outputs.features[i], features[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(outputs.logits[i], logits[0, 0], rtol=1e-4, atol=1e-5)


def test_outputs_can_be_trained_on():
    images = make_images(10)
    net = build("cnn", images.shape, CLASSES)
    features = evaluation.outputs(net, images, torch.arange(10)).features
    assert features.dtype == torch.float32
    weight = torch.ones(features.shape[1], requires_grad=True)
    (features @ weight).sum().backward()


@pytest.mark.parametrize("batch_size", [3, 100])
def test_accuracy_counts_correct_images(batch_size):
    images = make_images(10)
    net = build("cnn", images.shape, CLASSES)
    predicted = evaluation.outputs(net, images, torch.arange(10)).logits.argmax(1)
    assert torch.equal(evaluation.predictions(net, images, batch_size), predicted)
    labels = torch.where(torch.arange(10) < 7, predicted, (predicted + 1) % CLASSES)
    weights = models.read(net)
    assert evaluation.accuracy(net, weights, images, labels, batch_size) == pytest.approx(70)


def test_of_several_models_each_predicts_and_the_mean_accuracy_is_told():
    images = make_images(10)
    nets = [build("cnn", images.shape, CLASSES, seed=seed) for seed in range(3)]
    each = [evaluation.predictions(net, images) for net in nets]
    labels = torch.arange(10) % CLASSES
    rows = [models.read(net) for net in nets]
    weights = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
    net = build("cnn", images.shape, CLASSES)
    assert torch.equal(evaluation.predictions_of_models(net, weights, images), torch.stack(each))
    right = [sum(p == y for p, y in zip(own, labels, strict=True)) / 10 for own in each]
    told = evaluation.accuracy(net, weights, images, labels)
    assert told == pytest.approx(100 * sum(map(float, right)) / 3)


def test_evaluation_leaves_the_model_as_it_is():
    images = make_images(10)
    net = build("cnn", images.shape, CLASSES)
    before = models.read(net)
    evaluation.outputs(net, images, torch.arange(10))
    assert all(torch.equal(before[name], w) for name, w in models.read(net).items())


@pytest.mark.parametrize("num_models", [1, 3])
def test_outputs_of_clients_are_those_of_each_client_s_model(num_models):
    images = make_images(12)
    nets = [build("cnn", images.shape, seed=seed) for seed in range(num_models)]
    rows = [models.read(net) for net in nets]
    weights = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
    client = np.array([2, 0, 1, 1, 0, 2, 2, 0, 1, 2, 0, 1])
    net = build("cnn", images.shape)
    found = evaluation.outputs_of_clients(net, weights, images, client, batch_size=3)
    position = 0
    for k in range(3):
        for example in np.flatnonzero(client == k):
            alone = evaluation.outputs(nets[k % num_models], images, torch.tensor([example]))
            for all_of_them, one in (
                (found.features, alone.features),
                (found.logits, alone.logits),
            ):
                torch.testing.assert_close(all_of_them[position], one[0], rtol=1e-4, atol=1e-5)
            position += 1
    assert len(found.features) == len(found.logits) == position
