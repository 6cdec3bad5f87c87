"""Tests of one group run in one process, else each process would make the group's fixtures."""

import os

import pytest


@pytest.mark.xdist_group("groups")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="runs in one process")
def test_pytest_tells_xdist_of_groups(request):
    assert request.node.nodeid.endswith("@groups")
