"""Pending sign-ins lie sealed in the browsers that left. Whoever is away during the upgrade begins again."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("sign_ins")
