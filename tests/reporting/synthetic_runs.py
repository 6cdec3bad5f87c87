"""Made-up accuracies of runs."""

import itertools
import math

import numpy as np
import pandas as pd

from fal.reporting.tables import COLUMNS, accuracy_table

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


def run(strategy, seed, accuracy, setting=SETTING, last5=math.nan):
    """The rows of one run with the accuracies of its cycles."""
    return [
        {
            **setting,
            "strategy": strategy,
            "seed": seed,
            "cycle": cycle,
            "labeled": 100 + 50 * cycle,
            "labeled_fraction": 0.1 + 0.05 * cycle,
            "accuracy": float(value),
            "accuracy_last5": last5,
        }
        for cycle, value in enumerate(accuracy)
    ]


def table_of(*runs):
    return pd.DataFrame(list(itertools.chain(*runs)), columns=COLUMNS)


def flat(levels, setting=SETTING):
    """Runs whose accuracy is the same in both cycles: {strategy: accuracies of seeds 1, 2, ...}.

    None is no run.
    """
    return table_of(
        *(
            run(strategy, seed, [level, level], setting, last5=level)
            for strategy, seeds in levels.items()
            for seed, level in enumerate(seeds, 1)
            if level is not None
        )
    )


def in_settings(*levels):
    """``flat`` runs of several settings, which differ in the number of clients."""
    settings = [{**SETTING, "clients": clients} for clients in range(2, 2 + len(levels))]
    tables = [flat(level, setting) for level, setting in zip(levels, settings, strict=True)]
    return pd.concat(tables, ignore_index=True)
