"""The strategies' contract is part of the library; its failed assertions are explained as well."""

import pytest

pytest.register_assert_rewrite("fal.query.strategies.contract")
