"""The columns of accuracy.csv. Light, for the check of a configuration before anything runs."""

import csv
from pathlib import Path

from fal.errors import InputError

COLUMNS = [
    "dataset",
    "alpha",
    "clients",
    "algorithm",
    "strategy",
    "seed",
    "cycle",
    "labeled",
    "labeled_fraction",
    "accuracy",
    "accuracy_last5",
    "model",
]
OPTIONAL = {"accuracy_last5"}
"""Columns that a table which others made may lack."""


def check_columns(path: str | Path) -> None:
    """Raise InputError if a file is no CSV with the columns of an accuracy table."""
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            found = next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"'{path}' cannot be read as an accuracy table ({error})") from None
    missing = [name for name in COLUMNS if name not in found and name not in OPTIONAL]
    if missing:
        raise InputError(f"'{path}' is no accuracy table: it has no column {', '.join(missing)}")
