"""What a trained model says of images: features, logits, accuracy."""

from collections.abc import Iterator

import torch
from torch import Tensor

from fal.data.images import Images
from fal.federated.models import Classifier
from fal.outputs import Outputs


@torch.no_grad()
def _forward(
    net: Classifier, images: Images, index: Tensor, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    net.eval()
    for part in index.split(batch_size):
        features = net.backbone(images.batch(part[:, None]))
        yield features, net.head(features)[:, 0]


def outputs(net: Classifier, images: Images, index: Tensor, batch_size: int = 64) -> Outputs:
    """Features [n, D] and logits [n, C] of a single model (a stack of one) for ``index`` [n]."""
    features, logits = zip(*_forward(net, images, index, batch_size), strict=True)
    return Outputs(torch.cat(features), torch.cat(logits))


def accuracy(net: Classifier, images: Images, labels: Tensor, batch_size: int = 64) -> float:
    """Share of ``images`` classified as ``labels`` [n] say, in percent."""
    everything = torch.arange(len(images), device=images.device)
    correct = 0
    for (_, logits), truth in zip(
        _forward(net, images, everything, batch_size), labels.split(batch_size), strict=True
    ):
        correct = correct + (logits.argmax(1) == truth).sum()
    return 100 * float(correct) / len(images)
