"""A company whose SAML keys roll, and nodes that share what they hear; import these where they are needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from saml_factories import ENTITY_ID, IDP, NOW, Wire, key_ring, message, posted, sign_in

from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import Surroundings
from federation_bridge.model import KeptDocuments, Notice
from federation_bridge.notices import DocumentsAndNotices
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import SamlConnection

URL = "https://idp.example.test/metadata"


MINUTE = timedelta(minutes=1)


def published(*signers: made.Signer, **more: Any) -> bytes:
    return made.metadata_xml(IDP, "https://idp.example.test/sso", signers, **more)


class Heard:
    """Documents whose notices are heard where they are kept."""

    def __init__(self, kept: KeptDocuments, notices: list[Notice]) -> None:
        self._kept, self._notices = kept, notices

    def keep(self, kind: str, name: str, text: str, *notices: Notice) -> bool:
        is_new = self._kept.keep(kind, name, text)
        self._notices.extend(notices if is_new else ())
        return is_new

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


class Company:
    """One node's connection to a company by SAML, and the company's messages."""

    def __init__(self, wire: Wire, kept: KeptDocuments, clock: Callable[[], datetime], **settings: Any) -> None:
        self.notices: list[Notice] = []
        self.clock = clock
        settings = {"subject_kind": "email", **settings}
        if "metadata_file" not in settings:
            settings["metadata_url"] = URL
        chosen = SamlConnection(protocol="saml", title="Company", **settings)
        around = Surroundings(wire, Heard(kept, self.notices), clock, self.notices.append)  # type: ignore[arg-type]
        house = ("https://bridge.example.test", ENTITY_ID)
        self.connector = SamlConnector("company", chosen, house, key_ring(), around)

    def arrives(self, signer: made.Signer, **told: Any) -> str:
        """The subject of a sign-in that is pending, with a message of just now that this key signed."""
        now = self.clock()
        answer = message(issued_at=now - timedelta(seconds=1), **told)
        left = sign_in(started_at=now - timedelta(seconds=5), expires_at=now + timedelta(minutes=5))
        return self.connector.arrive(left, posted(made.response_xml(answer, signer))).identity.subject


@pytest.fixture
def clock(clock: HeldClock) -> HeldClock:
    clock.now = NOW
    return clock


@pytest.fixture
def two_nodes(own_database: OwnDatabase, clock: HeldClock) -> Callable[..., tuple[Company, Company]]:
    """Makes two nodes on one database, with what they see at the company's address."""
    return lambda wire, **settings: (
        Company(wire, DocumentsAndNotices(own_database.open().documents, clock), clock, **settings),
        Company(wire, DocumentsAndNotices(own_database.open().documents, clock), clock, **settings),
    )
