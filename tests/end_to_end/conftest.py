"""The whole stack, started as a user starts it; one for all tests that leave it whole."""

from collections.abc import Iterator

import pytest

from tests.empty_stack import EmptyStack, empty_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[EmptyStack]:
    with empty_stack() as running:
        yield running
