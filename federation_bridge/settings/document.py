"""The whole document of settings: its own names, and its sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from federation_bridge.settings.audit import Audit
from federation_bridge.settings.aws import Aws
from federation_bridge.settings.command_line import CommandLine
from federation_bridge.settings.keys import Keys
from federation_bridge.settings.notices import Notices
from federation_bridge.settings.oidc import OidcConnection
from federation_bridge.settings.outgoing import Outgoing
from federation_bridge.settings.portal import Portal
from federation_bridge.settings.rulebook import Rulebook
from federation_bridge.settings.saml import SamlConnection
from federation_bridge.settings.secret import Secret
from federation_bridge.settings.serving import Serving
from federation_bridge.settings.sessions import SessionLimits
from federation_bridge.settings.values import DatabaseUrl, Duration, Section, Url

_CONNECTION = re.compile(r"[a-z][a-z0-9-]{0,31}")
Connection = Annotated[SamlConnection | OidcConnection, Field(discriminator="protocol")]


class Settings(Section):
    """All settings. `load_settings` makes them."""

    base_url: Url
    """The address that people use; every address of ours is built from it, never from a request."""
    entity_id: str | None = None
    """Our SAML entityID towards identity providers and AWS; if left out: `base_url` + `/saml/metadata`."""
    aws_issuer: Url | None = None
    """Our issuer towards AWS with an OIDC provider; if left out: `base_url`."""
    data: Path = Path()
    """Folder for what the embedded default keeps: the SQLite file and the sealing key."""
    database: DatabaseUrl | None = None
    """`postgresql+psycopg://USER@HOST/NAME`, or `sqlite:////FOLDER/bridge.db`; if left out: SQLite in `data`.
    `sqlite:///bridge.db`, with three slashes, lies beside the settings."""
    database_password: Secret | None = None
    """The database's password, kept out of the address."""
    rules: Path | tuple[Path, ...] | None = None
    """The rules: who gets which role. A file; a folder, of which each `*.yaml` is read; or a list of these, all read as
    one set. Not with `rulebook.source: database`."""
    accounts: Path | None = None
    """The register of accounts and roles that may be granted at all. Not with `rulebook.source: database`."""
    rulebook: Rulebook = Rulebook()
    connections: Mapping[str, Connection] = Field(min_length=1)
    """The identity providers, by a short name each."""
    keys: Keys = Keys()
    audit: Audit = Audit()
    sessions: SessionLimits = SessionLimits()
    sign_in_lifetime: Duration = timedelta(minutes=10)
    """How long a person may take at the identity provider."""
    aws: Aws = Aws()
    outgoing: Outgoing = Outgoing()
    notices: Notices = Notices()
    command_line: CommandLine = CommandLine()
    portal: Portal = Portal()
    serving: Serving = Serving()

    @field_validator("rules", mode="before")
    @classmethod
    def _paths_of_rules(cls, rules: object) -> object:
        paths = rules if isinstance(rules, list | tuple) else [rules]
        if rules is not None and not (paths and all(isinstance(one, str | Path) and str(one) for one in paths)):
            raise ValueError("is the path of a file or of a folder, or a list of such paths: `[one, another]`")
        if len({str(one) for one in paths}) < len(paths):
            raise ValueError("names the same path twice")
        return rules

    @field_validator("connections")
    @classmethod
    def _connection_names(cls, connections: Mapping[str, Connection]) -> Mapping[str, Connection]:
        for name in connections:
            if not _CONNECTION.fullmatch(name):
                raise ValueError(f"{name!r}: a connection is named with a-z, 0-9 and -, at most 32")
        return connections

    @model_validator(mode="after")
    def _connections_of_the_device_flow(self) -> Settings:
        flow = self.command_line
        named = {
            "device_flow_connections": flow.device_flow_connections or (),
            "device_flow_refused_groups": tuple(flow.device_flow_refused_groups),
        }
        for setting, names in named.items():
            if unknown := [name for name in names if name not in self.connections]:
                raise ValueError(f"command_line.{setting}: there is no connection {unknown[0]!r}")
        return self

    @model_validator(mode="after")
    def _one_truth(self) -> Settings:
        for name in ("rules", "accounts"):
            is_given = getattr(self, name) is not None
            if is_given and self.rulebook.source == "database":
                raise ValueError(
                    f"{name}: the text lies in the database, where `federation-bridge rules apply` puts it"
                )
            if not is_given and self.rulebook.source == "files":
                raise ValueError(f"{name}: is needed, and is not there")
        return self

    @model_validator(mode="after")
    def _files_of_one_node(self) -> Settings:
        is_shared = self.database is not None and not self.database.startswith("sqlite")
        if self.rulebook.source == "files" and is_shared and not self.rulebook.files_on_many_nodes:
            raise ValueError(
                "rulebook.source: with rules in files, each node on this PostgreSQL would decide by files of its own; "
                "`database` makes all follow one version, and `files_on_many_nodes: true` says that you keep the files "
                "the same"
            )
        return self

    @property
    def rules_files(self) -> tuple[Path | tuple[Path, ...], Path]:
        """Where rules and register lie, as the settings say it; only where the rulebook lies in files."""
        if self.rules is None or self.accounts is None:
            raise TypeError("the rulebook lies in the database")
        return self.rules, self.accounts

    @field_validator("base_url")
    @classmethod
    def _no_path(cls, url: str) -> str:
        if urlsplit(url).path not in ("", "/") or urlsplit(url).query:
            raise ValueError("`base_url` has no path: the bridge needs a host of its own for its __Host- cookies")
        return url.rstrip("/")

    @property
    def scim_connections(self) -> frozenset[str]:
        """The connections that take SCIM."""
        return frozenset(name for name, one in self.connections.items() if one.scim is not None)

    @property
    def lifters(self) -> dict[str, frozenset[str]]:
        """The sources that lift their own blocks (`scim`, `signal`), each with the connections that take it."""
        signals = frozenset(name for name, one in self.connections.items() if one.signals is not None)
        return {"scim": self.scim_connections, "signal": signals}

    @property
    def saml_entity_id(self) -> str:
        """Our SAML entityID."""
        return self.entity_id or f"{self.base_url}/saml/metadata"

    @property
    def issuer(self) -> str:
        """Our issuer with an OIDC provider, exactly as it stands in `iss`."""
        return self.aws_issuer or self.base_url

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL without the password."""
        return self.database or f"sqlite:///{self.data.resolve() / 'bridge.db'}"
