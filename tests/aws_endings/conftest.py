"""A bridge that ends sessions in a local AWS whose accounts were made by its own files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databases import OwnDatabase
from revocation_factories import RevokingBridge, onboarded


@pytest.fixture
def bridge(sqlite_database: OwnDatabase) -> Iterator[RevokingBridge]:
    with onboarded() as aws:
        sqlite_database.clock.now = aws.clock.now
        yield RevokingBridge(aws, sqlite_database.open())
