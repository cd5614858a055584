"""python3-saml as we use it: its settings for one connection, its XSD compiled once, its clock ours.

The two names that are replaced (`_schema_class`, `now`) belong to the pinned version; a test holds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from lxml import etree
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

_NOW: ContextVar[int] = ContextVar("saml_now")


@lru_cache(maxsize=16)
def _compiled(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


def _schema(document: Any) -> etree.XMLSchema:
    return _compiled(str(document.docinfo.URL))


OneLogin_Saml2_XML._schema_class = staticmethod(_schema)  # noqa: SLF001 - there is no other way in
OneLogin_Saml2_Utils.now = staticmethod(_NOW.get)


@contextmanager
def at(now: datetime) -> Iterator[None]:
    """Within this block the library takes `now` for the present."""
    token = _NOW.set(int(now.timestamp()))
    try:
        yield
    finally:
        _NOW.reset(token)


@dataclass(frozen=True, slots=True)
class Parties:
    """Who speaks with whom on one connection."""

    entity_id: str
    acs_url: str
    idp_entity_id: str
    sign_on_url: str
    certificates_b64: tuple[str, ...]
    name_id_format: str | None = None


def stock_settings(parties: Parties, *, private_pem: str = "", is_for_writing: bool = False) -> OneLogin_Saml2_Settings:
    """The library's settings object; costs about a millisecond, so make it once.

    `is_for_writing`: its templates put the values into XML as they are, so they are escaped here.
    """
    written = escape if is_for_writing else str
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {
                "entityId": written(parties.entity_id),
                "assertionConsumerService": {"url": written(parties.acs_url)},
                "NameIDFormat": written(parties.name_id_format or ""),
                "privateKey": private_pem,
            },
            "idp": {
                "entityId": written(parties.idp_entity_id),
                "singleSignOnService": {"url": written(parties.sign_on_url)},
                "x509certMulti": {"signing": list(parties.certificates_b64)},
            },
            "security": {
                "requestedAuthnContext": False,
                "wantAttributeStatement": False,
                "wantNameId": False,
                "rejectDeprecatedAlgorithm": True,
                "allowSingleLabelDomains": True,
            },
        },
        sp_validation_only=False,
    )


def request_data(acs_url: str) -> dict[str, Any]:
    """How the library wants to be told at which address of ours the message arrived: from settings, never a header."""
    parts = urlsplit(acs_url)
    return {"https": "on" if parts.scheme == "https" else "off", "http_host": parts.netloc, "script_name": parts.path}
