import pytest
import torch

from fal.federated import evaluation, models
from federations import CLASSES, make_images


@pytest.mark.parametrize("name", sorted(models.BACKBONES))
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_outputs_equal_those_of_images_one_by_one(name, batch_size):
    images = make_images(20, channels=3, flip=True, crop_padding=1)
    net = models.build(name, images.shape, CLASSES, seed=2)
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
    net = models.build("cnn", images.shape, CLASSES)
    features = evaluation.outputs(net, images, torch.arange(10)).features
    assert features.dtype == torch.float32
    weight = torch.ones(features.shape[1], requires_grad=True)
    (features @ weight).sum().backward()


@pytest.mark.parametrize("batch_size", [3, 100])
def test_accuracy_counts_correct_images(batch_size):
    images = make_images(10)
    net = models.build("cnn", images.shape, CLASSES)
    predicted = evaluation.outputs(net, images, torch.arange(10)).logits.argmax(1)
    labels = torch.where(torch.arange(10) < 7, predicted, (predicted + 1) % CLASSES)
    assert evaluation.accuracy(net, images, labels, batch_size) == pytest.approx(70)


def test_evaluation_leaves_the_model_as_it_is():
    images = make_images(10)
    net = models.build("cnn", images.shape, CLASSES)
    before = models.read(net)
    evaluation.outputs(net, images, torch.arange(10))
    assert all(torch.equal(before[name], w) for name, w in models.read(net).items())
