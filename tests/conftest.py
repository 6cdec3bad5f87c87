"""What all tests share: one torch thread per process, and groups of tests first."""

import os

import pytest

os.environ["OMP_NUM_THREADS"] = "1"
# The strategies' contract is part of the library; its failed assertions are explained as well.
pytest.register_assert_rewrite("fal.query.strategies.contract")


def pytest_collection_modifyitems(items):
    """Begin with the real runs, then the other groups, so that none is alone at the end."""
    items.sort(key=lambda item: "workflow" not in item.keywords)
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
