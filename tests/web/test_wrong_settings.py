"""Wrong settings are told as such: people are not sent to try again, and the detail says what to mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from openid_provider import World, world
from saml_factories import ACS, ENTITY_ID, IDP, NOW, Kept, Wire, arrive, connector, honest, idp_signer, sign_in

from federation_bridge.connectors.saml.metadata_source import MetadataSource, Surroundings
from federation_bridge.errors import (
    BridgeError,
    ConnectionMisconfigured,
    NotAssigned,
    ProviderUnreachable,
    SignInDeclined,
    SignInRejected,
)
from federation_bridge.outgoing import Fetched, Outgoing
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import SamlConnection
from federation_bridge.spelling import difference, differing, nearest

URL = "https://idp.example.test/metadata"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


# --------------------------------------------------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("expected", "found", "how"),
    [
        ("https://a.example/", "https://a.example", "by a slash at the end"),
        ("https://a.example/x", "https://a.example/x/", "by a slash at the end"),
        ("https://a.example/X", "https://a.example/x", "by capital letters"),
        ("http://a.example/x", "https://a.example/x", "by http and https"),
        ("https://a.example:8443/x", "https://a.example/x", "by the port"),
        ("https://a.example/x", " https://a.example/x", "by a blank around them"),
        ("https://a.example/X/", "http://a.example/x", "by what stands before or after: compare them letter by letter"),
        ("https://a.example/x", "https://b.example/x", ""),
        ("https://a.example/x", "https://a.example/x", ""),
        ("http://[::1", "http://[::2", ""),
    ],
)
def test_how_two_names_differ_is_said_in_words(expected: str, found: str, how: str) -> None:
    assert difference(expected, found) == difference(found, expected) == how
    assert repr(expected) in differing("issuer", expected, found)
    assert repr(found) in differing("issuer", expected, found)


def test_the_nearest_is_the_one_that_differs_in_one_small_thing() -> None:
    assert nearest("https://a.example", ["https://a.exampl", "https://a.example/"]) == "https://a.example/"
    assert nearest("urn:one", ["https://other.example"]) is None


# ------------------------------------------------------------------------------------------------- OpenID Connect


def published(**discovery: Any) -> Callable[[World], None]:
    return lambda asked: asked.provider.discovery.update(discovery)


def answering(status: int, **body: str) -> Callable[[World], None]:
    def set_it(asked: World) -> None:
        asked.provider.raw_token_answer = (status, json.dumps(body).encode())

    return set_it


def everywhere(status: int) -> Callable[[World], None]:
    return lambda asked: setattr(asked.provider, "respond", lambda *_: (status, b""))


def coming_back_with(error: str, description: str | None = None) -> Callable[[World], None]:
    return lambda asked: asked.provider.answer.update(error=error, error_description=description, code=None)


OF_SETTINGS: dict[str, tuple[Callable[[World], None], str]] = {
    "an issuer with a slash": (
        lambda asked: asked.provider.discovery.update(issuer=asked.provider.issuer + "/"),
        "`issuer` says .* found is .* a slash at the end",
    ),
    "another issuer": (published(issuer="https://other.example.test"), "`issuer` says .*https://other.example.test"),
    "no document there": (
        everywhere(404),
        "`issuer`: .*openid-configuration answered 404: is the address right",
    ),
    "no common method": (
        published(token_endpoint_auth_methods_supported=["tls_client_auth", "private_key_jwt"]),
        "offers tls_client_auth, private_key_jwt, and .*client_secret_post, client_secret_basic: leave",
    ),
    "endpoints elsewhere": (published(token_endpoint="https://x.example.test/t"), "metadata accept"),
    "a key set that is none": (lambda asked: setattr(asked.provider, "raw_keys", b"{}"), "key set"),
    "a secret that has ended": (answering(401, error="invalid_client"), "`client_secret`.*'invalid_client'"),
    "no code flow for us": (answering(400, error="unauthorized_client"), "code flow"),
    "a scope that is unknown": (coming_back_with("invalid_scope"), "'invalid_scope'"),
}


@pytest.mark.parametrize("case", OF_SETTINGS)
def test_what_an_administrator_has_to_mend_at_openid_connect_is_told_as_such(case: str) -> None:
    spoil, detail = OF_SETTINGS[case]
    asked = world()
    spoil(asked)
    with pytest.raises(ConnectionMisconfigured, match=detail) as refusal:
        asked.sign_in()
    assert "try again" not in refusal.value.public
    assert world().sign_in().identity.subject == "00u-person"


PASSES: dict[str, tuple[Callable[[World], None], type[BridgeError]]] = {
    "a provider that is down": (lambda asked: setattr(asked.outgoing, "is_down", True), ProviderUnreachable),
    "one that is at fault": (
        lambda asked: setattr(asked.provider, "respond", lambda *_: (503, b"")),
        ProviderUnreachable,
    ),
    "one that is busy": (lambda asked: setattr(asked.provider, "respond", lambda *_: (429, b"")), ProviderUnreachable),
    "a token endpoint at fault": (answering(500), ProviderUnreachable),
    "an error that passes": (coming_back_with("temporarily_unavailable"), ProviderUnreachable),
    "a code that is not taken": (answering(400, error="invalid_grant"), SignInRejected),
    "a person who declines": (coming_back_with("access_denied"), SignInDeclined),
    "a person who is not assigned at Okta": (
        coming_back_with("access_denied", "User is not assigned to the client application."),
        NotAssigned,
    ),
    "a person who is not assigned at Entra ID": (
        coming_back_with("access_denied", "AADSTS50105: The signed in user is not assigned to a role. Trace ID: x"),
        NotAssigned,
    ),
}


@pytest.mark.parametrize("case", PASSES)
def test_what_passes_or_is_the_persons_is_not_told_as_a_wrong_setting(case: str) -> None:
    spoil, kind = PASSES[case]
    asked = world()
    spoil(asked)
    with pytest.raises(kind) as refusal:
        asked.sign_in()
    assert type(refusal.value) is kind


def test_nobody_is_sent_to_a_provider_whose_code_we_could_not_redeem() -> None:
    asked = world()
    asked.provider.discovery["token_endpoint_auth_methods_supported"] = ["none"]
    with pytest.raises(ConnectionMisconfigured):
        asked.begin()


def test_a_provider_that_comes_back_is_forgotten_as_misconfigured() -> None:
    asked = world()
    asked.provider.discovery["issuer"] = "https://other.example.test"
    with pytest.raises(ConnectionMisconfigured):
        asked.begin()
    asked.clock[0] += timedelta(minutes=1)
    asked.outgoing.is_down = True  # type: ignore[attr-defined]
    with pytest.raises(ProviderUnreachable) as refusal:
        asked.begin()
    assert type(refusal.value) is ProviderUnreachable


# ------------------------------------------------------------------------------------------------------------- SAML


def source(documents: dict[str, bytes], now: Any = NOW, **settings: Any) -> MetadataSource:
    chosen = SamlConnection(protocol="saml", title="x", metadata_url=URL, **settings)
    around = Surroundings(Wire(documents), Kept(), lambda: now, lambda *_: None)  # type: ignore[arg-type]
    return MetadataSource("company", chosen, around)


def document(issuer: str = IDP) -> bytes:
    return made.metadata_xml(issuer, "https://idp.example.test/sso", [idp_signer()])


METADATA: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "an entityID with a slash too much": (
        document(),
        {"idp_entity_id": IDP + "/"},
        "`idp_entity_id` says .* found is .* a slash at the end",
    ),
    "another entityID": (document("urn:other"), {"idp_entity_id": IDP}, "`idp_entity_id` says .* found is 'urn:other'"),
    "a page in its place": (b"<html>sign in first</html>", {}, "metadata: "),
    "nothing readable": (b"\x00\x01", {}, "metadata"),
}


@pytest.mark.parametrize("case", METADATA)
def test_metadata_that_is_refused_is_told_as_a_wrong_setting(case: str) -> None:
    found, settings, detail = METADATA[case]
    with pytest.raises(ConnectionMisconfigured, match=detail):
        source({URL: found}, **settings).current()
    assert source({URL: document()}, idp_entity_id=IDP).current().entity_id == IDP


@pytest.mark.parametrize("what", ["audience", "recipient", "issuer"])
def test_an_answer_with_a_name_that_is_almost_ours_says_how_they_differ(what: str) -> None:
    almost = {"audience": f"{ENTITY_ID}/", "recipient": f"{ACS}/", "issuer": f"{IDP}/"}[what]
    with pytest.raises(SignInRejected, match="they differ by a slash at the end"):
        arrive(honest(**{what: almost}))
    assert arrive(honest()).message_issuer == IDP


def test_metadata_that_nobody_could_fetch_may_be_had_later() -> None:
    with pytest.raises(ProviderUnreachable) as refusal:
        source({}).current()
    assert type(refusal.value) is ProviderUnreachable


@pytest.mark.parametrize(
    ("status", "kind"), [(404, ConnectionMisconfigured), (401, ConnectionMisconfigured), (502, ProviderUnreachable)]
)
def test_a_status_that_blames_the_request_is_a_wrong_address(
    status: int, kind: type[BridgeError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wire, "fetch", lambda *_, **__: Fetched(status, {}, b""))
    with pytest.raises(kind, match=f"`metadata_url`: {URL} answered {status}") as refusal:
        source({}).current()
    assert type(refusal.value) is kind


def test_a_binding_that_the_provider_does_not_have_is_a_wrong_setting() -> None:
    only_redirect = document().replace(b"HTTP-POST", b"HTTP-Artifact")
    with pytest.raises(ConnectionMisconfigured, match=r"`request_binding` says 'post'.*it has: .*HTTP-Redirect"):
        connector(metadata=only_redirect, request_binding="post").depart(sign_in())
    assert connector(metadata=only_redirect).depart(sign_in()).url


@pytest.mark.parametrize(
    "url", ["https://192.0.2.1/m", "https://10.0.0.1/m", "http://8.8.8.8/m", "https://8.8.8.8:22/m"]
)
def test_an_address_that_is_not_allowed_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConnectionMisconfigured):
        Outgoing().fetch(url)
