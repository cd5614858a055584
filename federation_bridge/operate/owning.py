"""Commands that need more of PostgreSQL than the service may do: as the user who owns the tables."""

from __future__ import annotations

from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.settings import Secret, Settings
from federation_bridge.store import ServingUser, url_of_user, user_of


def serving_user(settings: Settings) -> ServingUser:
    """The service's own user, whom `database` names; ConfigurationInvalid where it names none."""
    if not (user := user_of(settings.database_url)):
        raise ConfigurationInvalid(
            "--owner is for PostgreSQL, where `database` names the service's own user: postgresql+psycopg://bridge@..."
        )
    return ServingUser(user, archives=settings.audit.keep is not None)


def of_owner(settings: Settings, owner: str, password_file: Path | None) -> Settings:
    """The settings by which one command comes to the database as its owner.

    Without a file the driver looks for a password itself (PGPASSFILE, or none where the server asks for none).
    ConfigurationInvalid where the owner is the service's own user.
    """
    if owner == serving_user(settings).name:
        raise ConfigurationInvalid(
            f"--owner: {owner} is the service's own user, whom `database` names; the tables belong to another one"
        )
    password = None if password_file is None else Secret(file=password_file.absolute()).named("--owner-password")
    changed = {"database": url_of_user(settings.database_url, owner), "database_password": password}
    return settings.model_copy(update=changed)
