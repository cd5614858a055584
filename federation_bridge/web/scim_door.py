"""The door of SCIM clients: opened where a connection has one. Its library takes a third of a second to load."""

from __future__ import annotations

from flask import Flask

from federation_bridge.settings import Settings


def open_where_wanted(app: Flask, settings: Settings) -> None:
    """Registers the routes of `web/scim` where some connection takes SCIM; else nothing of them is imported."""
    if any(connection.scim for connection in settings.connections.values()):
        from federation_bridge.web.scim import routes  # noqa: PLC0415 - only where somebody asked for it

        app.register_blueprint(routes.scim)
