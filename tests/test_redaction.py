"""What looks like a secret is masked, wherever it stands; honest short values, paths and identifiers stay readable."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence
from dataclasses import fields
from random import Random

import pytest
from joserfc.jwk import RSAKey
from saml_factories import IDP, idp_signer, pinned, stranger

from federation_bridge.audit import EVENTS, SHOWN_WHOLE
from federation_bridge.connectors.oidc.key_set import read_key_set
from federation_bridge.connectors.oidc.provider import key_changes
from federation_bridge.connectors.saml.metadata import read_metadata
from federation_bridge.connectors.saml.succession import described, new_keys
from federation_bridge.observers.sinks import Outcome
from federation_bridge.operate.logs import LogLines, _Handler, _Text
from federation_bridge.redaction import masked, quoted
from federation_bridge.sandbox.identity_provider.saml_message import metadata_xml

_RANDOM = Random(7)


def _base64(size: int) -> str:
    return base64.b64encode(_RANDOM.randbytes(size)).decode()


def _base64url(size: int) -> str:
    return base64.urlsafe_b64encode(_RANDOM.randbytes(size)).rstrip(b"=").decode()


JWT = f"eyJhbGciOiJSUzI1NiJ9.{_base64url(200)}.{_base64url(256)}"
SECRETS = {
    **{f"our {kind} token": f"fb{kind}_{_base64url(32)}" for kind in "arcd"},
    "the beginning of a token of ours": "fba_AbCdEfGhIjKlMnO",
    "a JWT": JWT,
    "the beginning of a JWT": JWT[:20],
    "a key id of AWS": "AKIAIOSFODNN7EXAMPLE",
    "a key id of a session": "ASIAIOSFODNN7EXAMPLE",
    "a secret key of AWS": "wJalrXUtnFEMI+K7MDENG3bPxRfi9Ylf84PLo2KEY",
    "a session token of AWS": _base64(400),
    "a SAML message": base64.b64encode(
        b"<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'>" * 9
    ).decode(),
    "256 bits in hexadecimal digits": _RANDOM.randbytes(32).hex(),
    "128 bits in hexadecimal digits": _RANDOM.randbytes(16).hex().upper(),
    "256 bits in base64": _base64(32),
    "256 bits in base64url": _base64url(32),
    "160 bits in base32": base64.b32encode(bytes(range(7, 247, 12))).decode(),
    "a private key": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIGwXr\n-----END EC PRIVATE KEY-----",
    "a user code": "WDJB-MJHT",
}
AROUND = ["{}", "no client is called '{}'", "/api/v1/roles/{}/Reader/credentials", "field {} is unknown", "Bearer {}"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_what_looks_like_a_secret_is_masked(secret: str, around: str) -> None:
    told = masked(around.format(secret))
    assert secret not in told
    assert secret[7:15] not in told or len(secret) < 15
    assert told.startswith(around.split("{", maxsplit=1)[0])
    assert masked(told) == told


HONEST = (
    "",
    "fedbridge",
    "aws-sso",
    "arn:aws:signin:::devtools/same-device",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "/go/111122223333/AdministratorAccess-Production2",
    "/api/v1/roles/111122223333/Administrator/web-identity-token",
    "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Reader_0123456789abcdef",
    "/sign-in/corp/oidc",
    "/var/lib/federation-bridge/production/sealing.key",
    "https://login.microsoftonline.com/8c1f7a3e-1111-2222-3333-abcdefabcdef/v2.0",
    "no rule grants 111122223333/ReadOnlyS3AccessV2Prod now",
    "100000000000000000000000",
    "2026-03-04T12:00:00.005Z",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "aws-cli/2.38.5 md/awscrt#0.31 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.13.4 md/pyimpl#CPython m/E,b,Z",
    "ada.lovelace+tests@example.com",
    "ticket STRIPE-4711: rotate the keys of the production database",
    "federation-bridge-production-signing-certificate-2026",
    "2001:db8:1:2:3:4:5:6",
)


@pytest.mark.parametrize("text", HONEST)
def test_honest_values_stay_readable(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("size", [24, 32, 64, 200])
def test_random_values_are_masked_nearly_always(size: int) -> None:
    """Of base64 with slashes few pass: its parts may be as short as the parts of a path."""
    made = [Random(number).randbytes(size) for number in range(500)]
    for encoded in (base64.b64encode, base64.urlsafe_b64encode, base64.b16encode):
        texts = [encoded(one).decode() for one in made]
        assert sum(masked(text) == text for text in texts) <= 10


def test_a_secret_key_of_aws_is_masked_where_it_stands_alone() -> None:
    """The one of AWS's own documents is made of words, and base64's slash would make three parts of it."""
    assert masked("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!") == "key wJalrX[40 characters, sha256 78314b11]!"


def test_what_is_quoted_is_masked_before_it_is_cut() -> None:
    """Else the first half of a secret would be too short to be known as one."""
    secret = _base64url(32)
    assert secret[:12] not in quoted(secret, 20)
    assert quoted("x\n" * 100, 4) == "'x\\nx\\n'"


def test_a_long_text_is_judged_in_time_that_grows_with_it_alone() -> None:
    for text in (
        "A" * 100_000,
        "eyJ" * 30_000,
        "/a" * 50_000,
        "-" * 100_000,
        "fba_" * 30_000,
        "-----BEGIN A-----" * 5_000,
    ):
        assert len(masked(text)) < 3 * len(text)


def test_every_detail_that_is_told_whole_is_one_of_an_event() -> None:
    assert {one.name for event in EVENTS.values() for one in fields(event)} >= SHOWN_WHOLE
    assert not SHOWN_WHOLE & {
        "reason",
        "detail",
        "path",
        "client",
        "label",
        "account",
        "role",
        "destination",
        "return_to",
    }


class _Kept:
    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def write(self, lines: Sequence[bytes]) -> Outcome:
        self.lines.extend(json.loads(line) for line in lines)
        return Outcome(len(lines))


def test_no_line_of_the_log_holds_a_secret_whoever_writes_it() -> None:
    """Our own lines, a library's, a trace, and what a server prints: one place writes them all."""
    kept, secret = _Kept(), SECRETS["our a token"]
    lines = LogLines(kept)
    lines.put(
        {"event": "request refused", "path": f"/x/{secret}", "nested": {secret: [secret]}, "reference": "WDJB-MJHT"}
    )
    log = logging.Logger("library")  # noqa: LOG001 - one of its own, so that nothing stays behind
    log.addHandler(_Handler(lines))
    log.warning("Invalid HTTP request line: %r", f"GET /{secret} HTTP/1.1")
    try:
        int(secret)
    except ValueError:
        log.exception("failed with %s", secret)
    _Text(lines).write(f"Traceback: {secret}\n")
    lines.put({"event": ValueError(secret)})
    assert len(kept.lines) == 5
    assert secret[:10] not in json.dumps(kept.lines)
    assert kept.lines[0]["reference"] == "WDJB-MJHT"
    assert kept.lines[0]["event"] == "request refused"


def test_which_signing_key_is_new_is_told_whole_in_log_and_audit() -> None:
    before, found = (
        read_metadata(metadata_xml(IDP, "https://idp.example.test/sso", signers), None)
        for signers in ([idp_signer()], [idp_signer(), stranger()])
    )
    for told in (new_keys(before, found), *described(found)):
        assert masked(told) == told
    assert pinned(stranger()).fingerprint in new_keys(before, found).replace(" ", "")


@pytest.mark.parametrize(
    "kid",
    [
        "k1",
        "nOo3ZDrODXEK1jKWhXslHR_KXEg",
        "763f7c4cd26a1eb2b1b39a88f4434d1f4d9a368b",
        _base64url(32),
        _base64(48),
        None,
    ],
)
def test_which_key_of_a_key_set_is_new_is_told_whole_in_log_and_audit(kid: str | None) -> None:
    old = RSAKey.generate_key(2048).as_dict(private=False) | {"kid": "old"}
    new = RSAKey.generate_key(2048).as_dict(private=False) | {"kid": kid}
    before, after = (
        read_key_set(json.dumps({"keys": [{name: value for name, value in one.items() if value}]}).encode())
        for one in (old, new)
    )
    told = key_changes(before, after)
    assert masked(told) == told
    assert (kid or after.keys[0].key.thumbprint()) in told.replace(" ", "")
