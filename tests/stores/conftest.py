"""A PostgreSQL server for the tests that need one; where there is none they are skipped."""

from __future__ import annotations

import itertools
from collections.abc import Generator

import pytest
from postgres_server import MISSING, PostgresServer, programs, running_server

_schemas = (f"test_{n}" for n in itertools.count())


@pytest.fixture(scope="session")
def server() -> Generator[PostgresServer]:
    """A server of our own, for all tests together."""
    found = programs()
    if found is None:
        pytest.skip(MISSING)
    with running_server(found) as server:
        yield server


@pytest.fixture
def schema() -> str:
    """The name of a schema that no other test uses."""
    return next(_schemas)
