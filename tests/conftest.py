"""What all tests share: one torch thread per process, and the longest tests first."""

import os

os.environ["OMP_NUM_THREADS"] = "1"


def pytest_collection_modifyitems(items):
    """Begin with the real runs, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: "workflow" not in item.keywords)
