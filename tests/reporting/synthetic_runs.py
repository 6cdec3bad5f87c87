"""Made-up accuracies of runs."""

import numpy as np

from fal.reporting.tables import accuracy_table

SETTING = {"dataset": "digits", "model": "cnn", "alpha": 0.1, "clients": 10, "algorithm": "fedavg"}


def accuracies(strategies, seeds, cycles, **levels):
    """The accuracy table of runs in all settings that ``levels`` (of one factor) makes."""
    random = np.random.default_rng(0)
    ((factor, values),) = levels.items() or {"clients": [SETTING["clients"]]}.items()
    return accuracy_table(
        {
            **SETTING,
            factor: value,
            "strategy": strategy,
            "seed": seed,
            "cycle": cycle,
            "labeled": 100 + 50 * cycle,
            "labeled_fraction": 0.1 + 0.05 * cycle,
            "accuracy": 60 + 5 * cycle + random.normal(),
        }
        for value in values
        for strategy in strategies
        for seed in seeds
        for cycle in cycles
    )
