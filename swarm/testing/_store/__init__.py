"""The parts of the conformance suite of stores: what every store must do, as tests."""

import pytest

PARTS = ("base", "journal", "people", "keeping", "machine")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in PARTS))  # a failure shows the values
