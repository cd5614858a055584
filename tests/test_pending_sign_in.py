"""The seal of a pending sign-in: what opens it, what does not, and that every version that counts is read."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_factories import counted_randomness

from federation_bridge import pending_sign_in
from federation_bridge.errors import BadRequest, SignInExpired
from federation_bridge.model import SignIn
from federation_bridge.pending_sign_in import CLOCKS_DIFFER, DECIDES_NOTHING, LONGEST, USE, Browser, PendingSignIns
from federation_bridge.settings import OidcConnection, SamlConnection, settings_from
from federation_bridge.signing import derived_key

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SECRET = "5e" * 32
OIDC = {"protocol": "oidc", "title": "Corp", "issuer": "https://idp.example.com", "client_id": "bridge"}
SAML = {"protocol": "saml", "title": "Partner", "metadata_file": "idp.xml"}


def node(
    now: datetime = NOON, sealing_key: bytes = b"k" * 32, corp: dict[str, Any] | None = None, **changes: Any
) -> PendingSignIns:
    """One node of ours; `corp` are other settings of the connection of that name."""
    document: dict[str, Any] = {
        "base_url": "https://aws.example.com",
        "rules": "rules.yaml",
        "accounts": "accounts.yaml",
        "connections": {"corp": {**OIDC, **(corp or {})}, "partner": SAML},
    }
    settings = settings_from({**document, **changes}, Path("/etc/bridge"))
    return PendingSignIns(derived_key(sealing_key, USE), settings, lambda: now, counted_randomness())


def left(**changes: Any) -> tuple[SignIn, Browser]:
    """Somebody who has left, and what their browser holds."""
    at = node()
    asked = {"return_to": "/go/111122223333/Reader", "fresh": False, "previous": "", **changes}
    sign_in = at.begin("corp", asked.pop("return_to"), **asked)
    return sign_in, Browser(SECRET, {sign_in.handle: at.seal(sign_in, SECRET)})


@pytest.mark.parametrize(
    "changes", [{}, {"fresh": True}, {"previous": "ab" * 32}, {"methods": ("mfa",)}, {"return_to": "/é\u202e\ud800"}]
)
def test_another_node_opens_what_was_sealed(changes: dict[str, Any]) -> None:
    sign_in, browser = left(**changes)
    assert node(NOON + timedelta(minutes=9, seconds=59)).open(sign_in.handle, "corp", browser) == sign_in


def test_what_must_stay_secret_is_made_from_our_key_and_stands_nowhere() -> None:
    sign_in, browser = left()
    made = {sign_in.request_id, sign_in.nonce, sign_in.code_verifier, sign_in.handle}
    assert len(made) == 4
    assert sign_in.request_id[0] == "_"
    assert {len(sign_in.handle), len(sign_in.nonce), len(sign_in.code_verifier)} == {22, 43}
    assert set(sign_in.code_verifier) <= set(string.ascii_letters + string.digits + "-_")
    for secret in (*made, SECRET, sign_in.return_to):
        assert secret not in browser.sealed[sign_in.handle]
    assert SECRET not in f"{browser!r}"
    other = node(sealing_key=b"o" * 32).begin("corp", "/", fresh=False, previous="")
    assert (other.handle, other.nonce == sign_in.nonce) == (sign_in.handle, False)


def test_two_sign_ins_have_nothing_in_common() -> None:
    at = node()
    one, other = (at.begin("corp", "/", fresh=False, previous="") for _ in range(2))
    assert not {one.handle, one.request_id, one.nonce, one.code_verifier} & {
        *(other.handle, other.request_id, other.nonce, other.code_verifier)
    }


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another handle": ({"handle": "A" * 22}, "holds none"),
    "a handle of another shape": ({"handle": "https://idp.example.com/tile"}, "names none of ours"),
    "no handle": ({"handle": ""}, "names none of ours"),
    "a handle of half a character": ({"handle": "\ud800" * 22}, "names none of ours"),
    "another connection": (
        {"connection": "partner"},
        "at 'corp', .* came to the address of 'partner'",
    ),
    "another browser": ({"secret": "6f" * 32}, "another browser or connection"),
    "a browser without its secret": ({"secret": ""}, "another browser or connection"),
    "a browser with a strange secret": ({"secret": "\ud800\xff"}, "another browser or connection"),
    "another sealing key": ({"at": node(sealing_key=b"o" * 32)}, "another sealing key"),
    "another issuer meanwhile": ({"at": node(corp={"issuer": "https://other.example.com"})}, "settings .* changed"),
    "a stricter rule meanwhile": ({"at": node(corp={"max_age": "5m"})}, "settings .* changed"),
    "another address of ours": ({"at": node(base_url="https://other.example.com")}, "settings .* changed"),
    "the moment of its end": ({"at": node(NOON + timedelta(minutes=10))}, "too late"),
    "a clock that went back": ({"at": node(NOON - CLOCKS_DIFFER - timedelta(seconds=1))}, "clock has gone back"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_opens_for_nobody_else_and_the_log_learns_why(case: str) -> None:
    changes, reason = REFUSED[case]
    sign_in, browser = left()
    asked = {"at": node(), "handle": sign_in.handle, "connection": "corp", "secret": SECRET, **changes}
    with pytest.raises(SignInExpired, match=reason):
        asked["at"].open(asked["handle"], asked["connection"], replace(browser, secret=asked["secret"]))
    assert node().open(sign_in.handle, "corp", browser) == sign_in


def test_a_clock_that_is_a_little_behind_refuses_nobody() -> None:
    sign_in, browser = left()
    assert node(NOON - CLOCKS_DIFFER).open(sign_in.handle, "corp", browser) == sign_in


def test_its_life_is_the_one_it_was_sealed_with() -> None:
    sign_in, browser = left()
    patient = node(NOON + timedelta(minutes=11), sign_in_lifetime="1h")
    with pytest.raises(SignInExpired, match="too late"):
        patient.open(sign_in.handle, "corp", browser)


def _spoiled(text: str) -> Iterator[str]:
    version, key_name, sealed = text.split(".")
    yield from ("", ".", "..", version, f"{version}.", f"{version}.{key_name}", f"{version}.{key_name}.")
    yield from (f"{version}.{key_name}.{sealed[:length]}" for length in (1, 2, 3, 16, 22, len(sealed) - 1))
    yield from (f"{version}.{key_name}.{sealed}{more}" for more in ("A", "AAAA", "==", "%", "\n", "é", "\ud800"))
    yield from (f"{version}.{key_name}.{'A' * length}" for length in (4, 400, 4_000, 1_000_000))
    yield from (f"{wrong}.{key_name}.{sealed}" for wrong in ("0", "1", "2", "4", "-1", "11", "", " 1", "\u0661"))
    for position in range(0, len(sealed), 7):
        other = "A" if sealed[position] != "A" else "B"
        yield f"{version}.{key_name}.{sealed[:position]}{other}{sealed[position + 1 :]}"


def test_whatever_a_cookie_holds_it_opens_or_is_refused() -> None:
    sign_in, browser = left()
    spoiled = list(_spoiled(browser.sealed[sign_in.handle]))
    for text in spoiled:
        with pytest.raises(SignInExpired):
            node().open(sign_in.handle, "corp", Browser(SECRET, {sign_in.handle: text}))
    assert len(spoiled) > 40
    assert node().open(sign_in.handle, "corp", browser) == sign_in


@given(st.text(max_size=300))
def test_no_text_in_a_cookie_ends_in_anything_but_a_refusal(text: str) -> None:
    with pytest.raises(SignInExpired):
        node().open("A" * 22, "corp", Browser(SECRET, {"A" * 22: text}))


def test_a_sealed_text_moved_to_another_handle_does_not_open() -> None:
    at = node()
    one, other = (at.begin("corp", "/", fresh=False, previous="") for _ in range(2))
    with pytest.raises(SignInExpired, match="does not open"):
        at.open(other.handle, "corp", Browser(SECRET, {other.handle: at.seal(one, SECRET)}))


def test_a_way_back_that_no_cookie_can_hold_is_refused() -> None:
    sign_in, browser = left(return_to="/" + "a" * 1_900, previous="ab" * 32)
    assert len(browser.sealed[sign_in.handle]) < LONGEST
    with pytest.raises(BadRequest, match="too long"):
        left(return_to="/" + "a" * 2_100)


SEALED = {
    "2": (
        "AAAAAAAAAAAAAAAAAAAAAQ",
        "2.JGFFbg.qOMawOLzhzWejwKdY2LsYIh2pz46VeV3x9gtR5vATvXw7WSzlehG3dm1DfSWbaGTHjc-sHIp8liCoQfDkuBxqdr5Z6OzSdD0z3US7vnQW5IG8s1RcaQ1GKhxzam7YrZcDyI9kPexywhQmGyek36CFKJYHEWG6hgCH_GGK9WUVgzR0eJYl6XRCAYwDbwFXmmpy4wjT3WekMtQz6q-F6muWqbB3JM",
    ),
    "3": (
        "AAAAAAAAAAAAAAAAAAAAAQ",
        "3.JGFFbg.qOMawOLzhzWejwKdY2LsYIh2pz46VeV3x9gtR5vATvXw7WSzlehG3dm1DfSWbaGTHjc-sHIp8liCoQfDkuBxqdr5Z6OzSdD0z3US7vnQW5IG8s1RcaQ1GKhxzam7YrZcDyI9kPexywhQmGyek36CFKJYHEWG6hgCH_GGK9WUVgzRh_dF38ahLFkpLZgWHwu-9ZJ3RN3OVFyZfZzmYmaa3xPBbwLAVCl9hQ",
    ),
}
"""A sign-in as each version that counts seals it: under the key, to the browser and with the settings of this table."""


def test_every_version_that_counts_stands_in_the_table() -> None:
    newest = max(map(int, pending_sign_in._READERS))
    assert str(newest) == pending_sign_in._PRESENT
    assert set(pending_sign_in._READERS) == set(SEALED) == {str(one) for one in (newest - 1, newest) if one > 0}


@pytest.mark.parametrize("version", SEALED)
def test_a_sign_in_that_another_release_sealed_is_read(version: str) -> None:
    handle, text = SEALED[version]
    sign_in = node().open(handle, "corp", Browser(SECRET, {handle: text}))
    assert (sign_in.return_to, sign_in.fresh, sign_in.previous) == ("/go/111122223333/Reader", True, "ab" * 32)
    assert (sign_in.started_at, sign_in.expires_at) == (NOON, NOON + timedelta(minutes=10))
    assert (sign_in.methods, sign_in.silent) == (("mfa",), version == "3")
    assert sign_in.request_id == "_8614faa78649d48f2323a73abd87553705fe3dfb"
    assert sign_in.nonce == "kWvK_-KoBXbIFebx5QtPzaZ1Fo-vnQAk4FoAiuYA6mk"
    assert sign_in.code_verifier == "j7eN-Oktiwozi9opXaBMl25Gl-gTr-Dspiip7vKclYY"


def test_every_setting_that_decides_nothing_is_a_setting() -> None:
    """A name that is misspelt there would let a connection change under a sign-in, or refuse one for nothing."""
    known = {name for kind in (SamlConnection, OidcConnection) for name in kind.model_fields}
    assert known >= DECIDES_NOTHING


def test_what_only_people_read_may_change_meanwhile() -> None:
    sign_in, browser = left()
    renamed = node(corp={"title": "Another name", "email_domains": ["example.com"]})
    assert renamed.open(sign_in.handle, "corp", browser) == sign_in


class Richer(OidcConnection):
    """The connection of a next release, with a setting that this one has not."""

    novelty: str = "off"


@pytest.mark.parametrize(("novelty", "is_the_same"), [("off", True), ("on", False)])
def test_a_release_with_one_more_setting_refuses_nobody_who_is_away(novelty: str, *, is_the_same: bool) -> None:
    document = {"base_url": "https://a.example.com", "rules": "r", "accounts": "a", "connections": {"corp": OIDC}}
    settings = settings_from(document, Path("/"))
    before = pending_sign_in._terms(OidcConnection.model_validate(OIDC), settings)
    after = pending_sign_in._terms(Richer.model_validate({**OIDC, "novelty": novelty}), settings)
    assert (after == before) == is_the_same
