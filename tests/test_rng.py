from itertools import product

import torch

from fal.rng import numpy_generator, seed_for, torch_generator


def test_seeds_differ_in_every_argument():
    seeds = [
        seed_for(seed, purpose, cycle, client, round)
        for seed, purpose, cycle, client, round in product(
            (0, 1, 11), ("train", "query"), (0, 1, 11), (0, 1, 10), (0, 1, 2)
        )
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_are_the_same_on_every_machine():
    assert seed_for(1, "train", cycle=2, client=3, round_index=4) == 4665628419700424369


def test_generators_repeat_and_ignore_global_state():
    a = numpy_generator(1, "x", cycle=2).random(3)
    torch.manual_seed(5)
    assert (numpy_generator(1, "x", cycle=2).random(3) == a).all()
    b = torch.rand(3, generator=torch_generator(1, "x", client=2))
    torch.manual_seed(6)
    assert torch.equal(torch.rand(3, generator=torch_generator(1, "x", client=2)), b)
    assert not torch.equal(torch.rand(3, generator=torch_generator(1, "x", client=3)), b)
