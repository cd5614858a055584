"""Runs the steps on the connection and in the transaction that `store.schema` holds."""

from __future__ import annotations

from alembic import context

from federation_bridge.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
