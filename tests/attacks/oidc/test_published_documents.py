"""What an OpenID provider publishes may begin with a byte order mark (RFC 8259 8.1); what it signs may not."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from openid_provider import OpenIdProvider, signed, world

from federation_bridge.errors import ProviderUnreachable, SignInRejected

MARK = b"\xef\xbb\xbf"
DOCUMENTS = {
    "discovery": "/.well-known/openid-configuration",
    "key set": "/keys",
    "token answer": "/token",
}


def _before(provider: OpenIdProvider, path: str, octets: bytes) -> None:
    respond = provider.respond

    def marked(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        status, answer = respond(method, url, headers, body)
        return status, octets + answer if url.endswith(path) else answer

    provider.respond = marked  # type: ignore[method-assign]  # the test's own provider


@pytest.mark.parametrize("document", DOCUMENTS)
def test_one_mark_before_a_published_document_is_left_out(document: str) -> None:
    here = world()
    _before(here.provider, DOCUMENTS[document], MARK)
    assert here.sign_in().identity.email == "ada@example.test"


@pytest.mark.parametrize("octets", [MARK + MARK, b"\xff\xfe", b"\xfe\xff", b"\0"])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_anything_else_before_it_is_refused(document: str, octets: bytes) -> None:
    here = world()
    _before(here.provider, DOCUMENTS[document], octets)
    with pytest.raises((SignInRejected, ProviderUnreachable), match="not one plain JSON object"):
        here.sign_in()


@pytest.mark.parametrize("part", ["header", "payload"])
def test_a_mark_within_a_token_is_refused_though_it_was_signed(part: str) -> None:
    def token(provider: OpenIdProvider, claims: dict[str, object]) -> str:
        header, payload = json.dumps(provider.headers).encode(), json.dumps(claims).encode()
        return signed(MARK + header, payload) if part == "header" else signed(header, MARK + payload)

    here = world()
    here.provider.make_token = token
    with pytest.raises(SignInRejected, match="not one plain JSON object"):
        here.sign_in()
