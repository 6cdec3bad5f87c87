"""A two-layer graph network that tells labeled from unlabeled examples (CoreGCN).

Sequential Graph Convolutional Network for Active Learning (Caramalau, Bhattarai and Kim,
CVPR 2021). All matrices are float32 and at most n x D or n x H: the affinity graph is never made.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize, relu

from fal.rng import torch_generator

ISOLATED = 1e-4


class CosineGraph:
    """The affinity graph A = (S - I) D^-1 + I of n examples, in factored form.

    S = F F^T holds the cosine similarities of the features (the rows of F are their directions)
    and D the column sums of S - I; so A X = F (F^T (X / d)) - X / d + X costs O(n D) per column
    of X. An example whose affinities sum to nothing sends nothing.
    """

    def __init__(self, features: Tensor):
        self.unit = normalize(features.float(), dim=1)
        self.own = self.unit.square().sum(1, keepdim=True)
        total = self.unit.double() @ self.unit.double().sum(0)
        degree = total.unsqueeze(1).float() - self.own
        connected = degree.abs() > ISOLATED
        self.weight = torch.where(connected, 1 / torch.where(connected, degree, 1.0), 0.0)

    def propagate(self, x: Tensor) -> Tensor:
        """A x for x: float [n, m]."""
        sent = self.weight * x
        return self.unit @ (self.unit.T @ sent) - self.own * sent + x


def hidden_features(
    features: Tensor,
    num_labeled: int,
    seed: int,
    epochs: int = 200,
    units: int = 128,
    dropout: float = 0.3,
    learning_rate: float = 1e-3,
    weight_decay: float = 5e-4,
    unlabeled_weight: float = 1.2,
    with_output: bool = False,
) -> Tensor:
    """Hidden layer relu(A F W + b), float32 [n, units], of a graph network after training.

    features: float [n, D], the labeled examples first. The network's output is the probability of
    being labeled; its loss is the labeled examples' mean cross-entropy plus ``unlabeled_weight``
    (lambda) times the unlabeled ones'. One Adam step on all examples per epoch.
    with_output: the output, before its sigmoid, is one more column.
    """
    graph = CosineGraph(features)
    inputs = graph.propagate(graph.unit)
    share = inputs.new_full(
        (len(features), 1), unlabeled_weight / max(1, len(features) - num_labeled)
    )
    share[:num_labeled] = 1 / max(1, num_labeled)
    sign = inputs.new_full((len(features), 1), -1.0)
    sign[:num_labeled] = 1.0

    generator = torch_generator(seed, "graph network")
    shapes = ((inputs.shape[1], units), (units,), (units, 1), (1,))
    parameters = [_uniform(shape, generator).to(inputs.device).requires_grad_() for shape in shapes]
    weight, bias, out_weight, out_bias = parameters

    def hidden_layer() -> Tensor:
        return relu(torch.addmm(bias, inputs, weight))

    def output(hidden: Tensor) -> Tensor:
        return graph.propagate(hidden @ out_weight) + out_bias

    adam = torch.optim.Adam(parameters, learning_rate, weight_decay=weight_decay)
    with torch.enable_grad():
        for _ in range(epochs):
            kept = torch.rand(len(features), units, generator=generator) >= dropout
            hidden = hidden_layer() * kept.to(inputs) / (1 - dropout)
            loss = -(share * logsigmoid(sign * output(hidden))).sum()
            adam.zero_grad()
            loss.backward()
            adam.step()
    with torch.no_grad():
        hidden = hidden_layer()
        return torch.cat([hidden, output(hidden)], 1) if with_output else hidden


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Uniform within 1/sqrt(columns) of zero, as graph convolutions are usually initialized."""
    bound = shape[-1] ** -0.5
    return torch.empty(shape).uniform_(-bound, bound, generator=generator)
