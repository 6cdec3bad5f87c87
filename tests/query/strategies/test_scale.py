"""No strategy makes a tensor that would not fit for large pools."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fal.query.strategies import STRATEGIES, create
from fal.query.strategies.contract import example_pool

UNLABELED, DIMS, CLASSES = 1500, 64, 20


class LargestTensor(TorchDispatchMode):
    """Remembers the most elements of a tensor that an operation returned, by element size."""

    def __init__(self):
        super().__init__()
        self.elements = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, list | tuple) else [result]:
            if isinstance(tensor, torch.Tensor):
                size = tensor.element_size()
                self.elements[size] = max(self.elements.get(size, 0), tensor.numel())
        return result


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_nothing_quadratic_and_no_gradient_embeddings(name):
    pool = example_pool(
        labeled=50, unlabeled=UNLABELED, dims=DIMS, classes=CLASSES, clients=1, client=0
    )
    options = {"epochs": 2} if name.endswith("gcnal") else {}
    strategy = create(name, **options)
    with LargestTensor() as largest:
        strategy.select(pool, strategy.score(pool), 30, 0)
    smallest_forbidden = UNLABELED * min(UNLABELED, DIMS * CLASSES)
    assert largest.elements.get(8, 0) < smallest_forbidden
    if "ifal" not in name:
        assert largest.elements.get(4, 0) < smallest_forbidden
