"""The setting `database`: what its URL says of where the database lies."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from federation_bridge.errors import ConfigurationInvalid


def sqlite_path(url: str) -> Path | None:
    """Where the file of this SQLite database lies; None for another database. ConfigurationInvalid for no URL."""
    parsed = parsed_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def server_of(url: str) -> str:
    """`user@host:port/name` of a database that is reached over a network; nothing for SQLite."""
    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite":
        return ""
    return parsed.set(password=None).render_as_string().partition("://")[2].partition("?")[0]


def user_of(url: str) -> str:
    """PostgreSQL's user whom this URL names; nothing where it names none, and for SQLite."""
    parsed = parsed_url(url)
    return "" if parsed.get_backend_name() == "sqlite" else parsed.username or ""


def url_of_user(url: str, user: str) -> str:
    """The same database for another user, without a password."""
    return parsed_url(url).set(username=user, password=None).render_as_string()


def parsed_url(url: str) -> URL:
    """The URL in its parts; ConfigurationInvalid for no URL."""
    try:
        return make_url(url)
    except ArgumentError:
        raise ConfigurationInvalid("`database` is not a URL such as postgresql+psycopg://bridge@db/bridge") from None
