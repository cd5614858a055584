"""Metadata in the encodings that providers publish, and the same octets as an attack (A07), by the real source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from saml_factories import IDP, NOW, Kept, Wire, arrive, connector, honest, idp_signer, stranger

from federation_bridge.connectors.saml.document_text import metadata_text
from federation_bridge.connectors.saml.metadata_source import KEPT, MetadataSource, Surroundings
from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable, SignInRejected
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import SamlConnection

URL = "https://idp.example.test/metadata"


def _plain(**told: Any) -> str:
    text = made.metadata_xml(IDP, "https://idp.example.test/sso", [idp_signer()], **told).decode()
    return text[text.index("?>") + 2 :].lstrip() if text.startswith("<?xml") else text


def _declared(encoding: str, text: str | None = None) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\r\n{_plain() if text is None else text}'


def _source(document: bytes, notices: list[str], kept: Kept | None = None, **more: Any) -> MetadataSource:
    chosen = SamlConnection(protocol="saml", title="x", metadata_url=URL, **more)
    told = lambda notice: notices.append(notice.detail)  # noqa: E731 - short, and used here alone
    around = Surroundings(Wire({URL: document}), kept or Kept(), lambda: NOW, told)  # type: ignore[arg-type]
    return MetadataSource("company", chosen, around)


HONEST: dict[str, Callable[[], bytes]] = {
    "UTF-8": lambda: _plain().encode(),
    "UTF-8, declared": lambda: _declared("UTF-8").encode(),
    "UTF-8 with a mark, as ADFS and Entra ID write it": lambda: _plain().encode("utf-8-sig"),
    "UTF-8 with a mark, declared": lambda: _declared("utf-8").encode("utf-8-sig"),
    "UTF-8 with a mark, standalone": lambda: (
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?>' + _plain()
    ).encode("utf-8-sig"),
    "UTF-16, little end first": lambda: b"\xff\xfe" + _declared("utf-16").encode("utf-16-le"),
    "UTF-16, big end first": lambda: b"\xfe\xff" + _declared("UTF-16").encode("utf-16-be"),
    "UTF-16, marked, not declared": lambda: b"\xff\xfe" + _plain().encode("utf-16-le"),
    "UTF-16, declared, not marked": lambda: _declared("UTF-16LE").encode("utf-16-le"),
    "UTF-16, declared, not marked, big end first": lambda: _declared("utf-16").encode("utf-16-be"),
    "US-ASCII": lambda: _declared("US-ASCII").encode("ascii"),
    "ISO-8859-1": lambda: _declared("ISO-8859-1").replace("\r\n", "<!-- Müller -->").encode("latin-1"),
    "a declaration without encoding": lambda: b"<?xml version='1.0'?>" + _plain().encode(),
}

DOCTYPE = "<!DOCTYPE EntityDescriptor [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a DOCTYPE in UTF-16": (
        lambda: b"\xff\xfe" + _declared("utf-16", DOCTYPE + _plain()).encode("utf-16-le"),
        "document type",
    ),
    "a DOCTYPE in UTF-16 without a mark": (
        lambda: _declared("utf-16be", DOCTYPE + _plain()).encode("utf-16-be"),
        "document type",
    ),
    "a DOCTYPE behind a mark": (lambda: (DOCTYPE + _plain()).encode("utf-8-sig"), "document type"),
    "a DOCTYPE in UTF-7": (
        lambda: _declared("UTF-7", "+ADwAIQ-DOCTYPE x+AD4" + _plain()).encode(),
        "declares the encoding 'UTF-7'",
    ),
    "a DOCTYPE in EBCDIC": (lambda: (DOCTYPE + _plain()).encode("cp037"), "not in utf-8"),
    "UTF-32": (lambda: _declared("utf-32").encode("utf-32"), "UTF-32"),
    "UTF-32, big end first": (lambda: b"\0\0\xfe\xff" + _plain().encode("utf-32-be"), "UTF-32"),
    "UTF-32 without a mark": (lambda: _declared("utf-32").encode("utf-32-le"), "does not declare"),
    "UTF-16 that nothing tells of": (lambda: _plain().encode("utf-16-le"), "does not declare"),
    "UTF-16 that says it is UTF-8": (
        lambda: b"\xff\xfe" + _declared("utf-8").encode("utf-16-le"),
        "octets are UTF-16",
    ),
    "UTF-8 that says it is UTF-16": (lambda: _declared("utf-16").encode(), "but its octets"),
    "a mark of UTF-8 and the word ISO-8859-1": (lambda: _declared("iso-8859-1").encode("utf-8-sig"), "but its octets"),
    "the other end first": (lambda: b"\xff\xfe" + _declared("utf-16be").encode("utf-16-le"), "but its octets"),
    "ISO-8859-1 that says nothing": (lambda: ("<!-- Müller -->" + _plain()).encode("latin-1"), "not in utf-8"),
    "ISO-8859-1 that says it is US-ASCII": (
        lambda: _declared("us-ascii").replace("\r\n", "<!-- Müller -->").encode("latin-1"),
        "not in ascii",
    ),
    "half a character of UTF-16": (lambda: b"\xff\xfe" + _plain().encode("utf-16-le") + b"\x00", "not in utf-16"),
    "half of a pair": (lambda: b"\xff\xfe" + _plain().encode("utf-16-le") + b"\x00\xd8", "not in utf-16"),
    "two marks": (lambda: b"\xef\xbb\xbf" + _plain().encode("utf-8-sig"), "byte order mark"),
    "two declarations": (
        lambda: _declared("utf-16", "<?xml version='1.0'?>" + _plain()).encode("utf-16"),
        "processing instruction",
    ),
    "a declaration of XML 1.1": (
        lambda: b"\xff\xfe" + ("<?xml version='1.1' encoding='utf-16'?>" + _plain()).encode("utf-16-le"),
        "not XML 1.0",
    ),
    "NUL": (lambda: b"\xff\xfe" + (_plain() + "\0").encode("utf-16-le"), "NUL"),
    "nothing": (lambda: b"\xef\xbb\xbf", "0 bytes"),
}


@pytest.mark.parametrize("case", HONEST)
def test_metadata_is_read_in_the_encoding_that_its_octets_say(case: str) -> None:
    notices: list[str] = []
    assert _source(HONEST[case](), notices).current().entity_id == IDP
    assert notices == []


@pytest.mark.parametrize("case", REFUSED)
def test_metadata_that_two_readers_could_decode_differently_is_refused_with_its_reason(case: str) -> None:
    document, reason = REFUSED[case]
    notices: list[str] = []
    with pytest.raises(ProviderUnreachable):
        _source(document(), notices).current()
    assert reason in notices[0], notices


def test_a_file_with_a_mark_is_read_and_a_sign_in_follows_from_it() -> None:
    here = connector(metadata=_declared("utf-16").encode("utf-16"))
    assert arrive(honest(), here).identity.subject == "alice@example.com"
    with pytest.raises(ConfigurationInvalid, match="document type"):
        connector(metadata=_declared("utf-16", DOCTYPE + _plain()).encode("utf-16"))


def test_a_signature_holds_in_every_encoding_and_a_change_in_none(tmp_path: Path) -> None:
    pem = tmp_path / "signer.pem"
    pem.write_text(stranger().certificate_pem)
    text = _plain(signed_by=stranger(), valid_until=NOW + timedelta(days=5))
    for octets in (text.encode("utf-8-sig"), _declared("utf-16", text).encode("utf-16")):
        assert _source(octets, [], metadata_signing_certificate=pem).current().entity_id == IDP
    changed = _declared("utf-16", text.replace("/sso", "/sso2")).encode("utf-16")
    notices: list[str] = []
    with pytest.raises(ProviderUnreachable):
        _source(changed, notices, metadata_signing_certificate=pem).current()
    assert "changed after it was signed" in notices[0]


def test_what_is_kept_is_read_again_after_a_restart() -> None:
    kept = Kept()
    _source(_declared("utf-16").encode("utf-16"), [], kept).current()
    assert str(kept.last_good(KEPT, "company")).startswith('<?xml version="1.0"?>')
    assert _source(b"", [], kept).current().entity_id == IDP


def test_the_text_is_the_same_in_every_encoding() -> None:
    text = '<?xml version="1.0"?>\n<a b="ü"/>'
    assert {
        metadata_text(text.replace("?>", f" encoding='{name}'?>").encode(codec))
        for name, codec in (("utf-8", "utf-8-sig"), ("utf-16", "utf-16"), ("ISO-8859-1", "latin-1"))
    } == {text}


def test_a_message_with_a_mark_stays_refused() -> None:
    assert arrive(honest()).identity.subject == "alice@example.com"
    for attack in (honest().decode().encode("utf-8-sig"), honest().decode().encode("utf-16")):
        with pytest.raises(SignInRejected, match="bytes: "):
            arrive(attack)
