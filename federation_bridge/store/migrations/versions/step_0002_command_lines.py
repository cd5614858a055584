"""The tables of the authorization server: what lets command lines in, and the tokens that they hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _create_token_tables()
    _create_code_tables()
    op.create_table(
        "tries",
        sa.Column("bucket", _DIGEST, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False, index=True),
    )


def _family(*, nullable: bool) -> sa.Column[str]:
    parent = sa.ForeignKey("token_families.id", ondelete="CASCADE")
    return sa.Column("family", _EXACT, parent, nullable=nullable, index=True)


def _create_token_tables() -> None:
    op.create_table(
        "token_families",
        sa.Column("id", _EXACT, primary_key=True),
        sa.Column("person", _DIGEST, nullable=False, index=True),
        sa.Column("approved_in", _EXACT, nullable=False, index=True),
        sa.Column("client_id", _EXACT, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("role", _EXACT, nullable=False),
        sa.Column("dpop_jkt", _EXACT),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("collected", sa.Boolean, nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("token", _DIGEST, primary_key=True),
        sa.Column("kind", _EXACT, nullable=False),
        _family(nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("ends_at", sa.BigInteger, nullable=False, index=True),
    )


def _create_code_tables() -> None:
    op.create_table(
        "device_codes",
        sa.Column("device_code", _DIGEST, primary_key=True),
        sa.Column("user_code", _DIGEST, nullable=False, unique=True),
        sa.Column("client_id", _EXACT, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        *(sa.Column(name, _EXACT, nullable=False) for name in ("reference", "address")),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("dpop_jkt", _EXACT),
        sa.Column("state", _EXACT, nullable=False),
        sa.Column("claimed_in", _EXACT),
        _family(nullable=True),
        sa.Column("interval", sa.Integer, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("next_poll_at", "begun_at", "expires_at")),
        sa.Column("kept_until", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "authorization_codes",
        sa.Column("code", _DIGEST, primary_key=True),
        *(sa.Column(name, _EXACT, nullable=False) for name in ("client_id", "redirect_uri", "code_challenge")),
        sa.Column("dpop_jkt", _EXACT),
        _family(nullable=False),
        sa.Column("used", sa.Boolean, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
