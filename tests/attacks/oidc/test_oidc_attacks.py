"""The attacks on a sign-in by OpenID Connect, each against every preset, each with the honest sign-in beside it.

It is longer than 300 lines because it is one table of lies and one of their honest twins, read beside each other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey
from oidc_lies import HINTS, OTHERS_JWK, Lie, answer, discovery, header_without, key_fetches
from openid_provider import (
    CLIENT_ID,
    ISSUERS,
    NOON,
    OTHER_TENANT,
    OpenIdProvider,
    algorithm,
    b64,
    ec_key,
    public_jwk,
    rs256,
    rsa_key,
    signed,
    world,
)

from federation_bridge.errors import ProviderUnreachable, SignInRejected, Unforeseen

_NOW = int(NOON.timestamp())


def claim(name: str, value: Any) -> Lie:
    return lambda provider: provider.claims.update({name: value})


def missing(name: str) -> Lie:
    return lambda provider: setattr(provider, "without", (name,))


def both(*lies: Lie) -> Lie:
    def lie(provider: OpenIdProvider) -> None:
        for one in lies:
            one(provider)

    return lie


def header(**members: Any) -> Lie:
    return lambda provider: provider.headers.update(members)


def token(make: Callable[[OpenIdProvider, dict[str, Any]], Any]) -> Lie:
    return lambda provider: setattr(provider, "make_token", make)


def key_set(*keys: dict[str, Any]) -> Lie:
    return lambda provider: setattr(provider, "keys", list(keys))


def rewritten(change: Callable[[str], str]) -> Lie:
    """The honest token, its text changed."""
    return token(lambda provider, claims: change(_honest(provider, claims)))


def payload(change: Callable[[bytes], bytes]) -> Lie:
    """The payload's bytes changed before the provider's own key signs them."""
    return token(lambda provider, claims: signed(provider.headers, change(json.dumps(claims).encode())))


def raw_header(text: bytes) -> Lie:
    return token(lambda provider, claims: signed(text, json.dumps(claims).encode()))


def keyed_with(secret: bytes) -> Lie:
    """HS256 with what everybody knows as the secret (attack I02)."""

    def make(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
        sign = lambda message: hmac.digest(secret, message, "sha256")  # noqa: E731 - short, and used here alone
        return signed({"alg": "HS256", "kid": "first"}, json.dumps(claims).encode(), sign)

    return token(make)


def _honest(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    return signed(provider.headers, json.dumps(claims).encode())


def _unsigned(alg: Any, signature: str = "") -> Lie:
    return token(
        lambda _, claims: (
            f"{b64(json.dumps({'alg': alg, 'kid': 'first'}).encode())}.{b64(json.dumps(claims).encode())}.{signature}"
        )
    )


def _flattened(text: str) -> str:
    protected, body, signature = text.split(".")
    return json.dumps({"protected": protected, "payload": body, "signature": signature})


def _last_character_changed(text: str) -> str:
    """Other padding bits in the last character: the same bytes to a lenient decoder."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def _ec_signature(signature: bytes) -> Lie:
    def lie(provider: OpenIdProvider) -> None:
        jwk = {**ec_key("provider").as_dict(private=False), "kid": "curve", "use": "sig", "alg": "ES256"}
        provider.keys = [*provider.keys, jwk]
        provider.make_token = lambda _, claims: signed(
            {"alg": "ES256", "kid": "curve"}, json.dumps(claims).encode(), lambda _message: signature
        )

    return lie


_PUBLIC = rsa_key("provider").public_key()
_PEM = _PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def token_answer(**members: Any) -> Lie:
    return lambda provider: provider.token_answer.update(members)


_NO_INSTANTS: tuple[Any, ...] = ([1], "soon", {})

LIES: dict[str, Lie] = {
    # I01
    **{f"i01 alg {alg!r} unsigned": _unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "", None, ["none"], 0)},
    **{f"i01 alg {alg!r} with an empty word for it": _unsigned(alg, "AAAA") for alg in ("none", "None", "", None)},
    "i01 alg missing": raw_header(b'{"kid":"first"}'),
    "i01 signature emptied": rewritten(lambda text: text.rsplit(".", 1)[0] + "."),
    "i01 alg none under a real signature": header(alg="none"),
    "i01 none announced by the provider": both(
        discovery(id_token_signing_alg_values_supported=["none", "RS256"]), _unsigned("none")
    ),
    # I02
    "i02 HS256 keyed with the PEM": keyed_with(_PEM),
    "i02 HS256 keyed with the PEM, no newline": keyed_with(_PEM.strip()),
    "i02 HS256 keyed with the DER": keyed_with(_PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    "i02 HS256 keyed with PKCS #1": keyed_with(_PUBLIC.public_bytes(Encoding.PEM, PublicFormat.PKCS1)),
    "i02 HS256 keyed with the modulus": keyed_with(_PUBLIC.public_numbers().n.to_bytes(256, "big")),
    "i02 HS256 keyed with the JWK": keyed_with(json.dumps(public_jwk(rsa_key("provider"), kid="first")).encode()),
    "i02 HS256 keyed with nothing": keyed_with(b""),
    "i02 HS256 keyed with the client id": keyed_with(CLIENT_ID.encode()),
    "i02 HS256 keyed with the client secret": keyed_with(b"quiet secret"),
    "i02 an RSA key named with ES256": header(alg="ES256"),
    "i02 RS512, which is not in our list": token(
        lambda _, claims: signed(
            {"alg": "RS512", "kid": "first"},
            json.dumps(claims).encode(),
            algorithm("RS512", RSAKey.import_key(rsa_key("provider"))),
        )
    ),
    "i02 PS256, which this connection does not take": token(
        lambda _, claims: signed(
            {"alg": "PS256", "kid": "first"},
            json.dumps(claims).encode(),
            algorithm("PS256", RSAKey.import_key(rsa_key("provider"))),
        )
    ),
    "i02 a key for encryption": key_set(public_jwk(rsa_key("provider"), kid="first", use="enc")),
    "i02 a key for another algorithm": key_set(public_jwk(rsa_key("provider"), kid="first", alg="PS256")),
    "i02 a key that may only encrypt": key_set(public_jwk(rsa_key("provider"), kid="first", key_ops=["encrypt"])),
    "i02 a 1024 bit key": both(
        key_set(public_jwk(rsa_key("small", 1024), kid="first")),
        token(lambda p, claims: signed(p.headers, json.dumps(claims).encode(), rs256(rsa_key("small", 1024)))),
    ),
    # I03
    "i03 another's key": token(
        lambda p, claims: signed(p.headers, json.dumps(claims).encode(), rs256(rsa_key("attacker")))
    ),
    "i03 another's key in the header (jwk)": token(
        lambda p, claims: signed(
            {**p.headers, "jwk": OTHERS_JWK}, json.dumps(claims).encode(), rs256(rsa_key("attacker"))
        )
    ),
    **{
        f"i03 another's key by the header's {name}": token(
            lambda p, claims, name=name: signed(  # type: ignore[misc]  # no type is inferred for defaults
                {"alg": "RS256", name: HINTS[name]}, json.dumps(claims).encode(), rs256(rsa_key("attacker"))
            )
        )
        for name in ("jwk", "jku", "x5u", "x5c")
    },
    **{
        f"i03 kid {str(kid)[:24]!r}": header(kid=kid)
        for kid in ("' OR 1=1 --", "../../dev/null", "https://a.test/", ["first"], "k" * 10_000, "FIRST", "", None, 1)
    },
    "i03 kid missing, and two keys fit": both(
        header_without("kid"), lambda provider: provider.keys.append(public_jwk(rsa_key("attacker"), kid="second"))
    ),
    "i03 kid missing, and two keys without one fit": both(
        header_without("kid"),
        key_set(*({k: v for k, v in public_jwk(rsa_key(n)).items() if k != "kid"} for n in ("provider", "attacker"))),
    ),
    "i03 kid missing, and no key fits": both(
        header_without("kid"), key_set(public_jwk(rsa_key("provider"), kid="first", use="enc"))
    ),
    "i03 a kid, and the only key has none": key_set(public_jwk(rsa_key("provider"))),
    "i03 kid missing, another's key": both(
        token(lambda p, claims: signed({"alg": "RS256"}, json.dumps(claims).encode(), rs256(rsa_key("attacker"))))
    ),
    # I04
    "i04 crit unknown": header(crit=["exp"], exp=1),
    "i04 crit empty": header(crit=[]),
    "i04 crit no list": header(crit="b64"),
    "i04 b64 false": header(b64=False, crit=["b64"]),
    "i04 b64 true and critical": header(b64=True, crit=["b64"]),
    "i04 b64 alone": header(b64=False),
    "i04 crit null": header(crit=None),
    "i04 crit of what is ignored": header(crit=["app_id"], app_id="x"),
    "i04 zip": header(zip="DEF"),
    "i04 nested": header(cty="JWT"),
    "i04 nested, in full": header(cty="application/jwt"),
    # I05
    "i05 nonce missing": missing("nonce"),
    **{f"i05 nonce {value!r}": claim("nonce", value) for value in ("other", "", None, ["n" * 43], {"a": 1}, True)},
    "i05 nonce unsupported": both(missing("nonce"), claim("nonce_supported", False)),
    # I06
    "i06 issuer missing": missing("iss"),
    **{
        f"i06 issuer {value!r}": claim("iss", value)
        for value in ("https://attacker.example.test", "", None, ["https://id.example.test/realm"])
    },
    "i06 issuer with a slash more": lambda provider: claim("iss", provider.issuer + "/")(provider),
    "i06 issuer in a list": lambda provider: claim("iss", [provider.issuer])(provider),
    "i06 issuer as a template": claim("iss", "https://login.example.test/{tenantid}/v2.0"),
    "i06 issuer of another tenant": claim("iss", f"https://login.example.test/{OTHER_TENANT}/v2.0"),
    "i06 key of another issuer": key_set(
        public_jwk(rsa_key("provider"), kid="first", issuer="https://login.example.test/other/v2.0")
    ),
    "i06 discovery names another issuer": discovery(issuer="https://attacker.example.test"),
    # I07
    **{f"i07 {name} missing": missing(name) for name in ("exp", "iat")},
    **{
        f"i07 {name} {str(value)[:14]!r}": claim(name, value)
        for name in ("exp", "iat", "nbf", "auth_time")
        for value in (str(_NOW), True, None, [_NOW], -1, -0.5, 10**30, 1e30, 253_402_300_799, 253_402_300_798.5)
    },
    "i07 exp a century ahead": claim("exp", _NOW + 3_155_760_000),
    "i07 exp 25 hours ahead": claim("exp", _NOW + 90_000),
    "i07 exp past by the skew": claim("exp", _NOW - 60),
    "i07 exp past by the skew and a bit": claim("exp", _NOW - 60.5),
    "i07 iat ahead": claim("iat", _NOW + 61),
    "i07 iat ahead by a bit": claim("iat", _NOW + 60.5),
    "i07 nbf ahead": claim("nbf", _NOW + 61),
    "i07 auth_time ahead": claim("auth_time", _NOW + 61),
    "i07 iat of another day": claim("iat", _NOW - 7200),
    **{
        f"i07 exp {literal}": payload(
            lambda text, literal=literal: text.replace(  # type: ignore[misc]  # no type is inferred for defaults
                f'"exp": {_NOW + 3600}'.encode(), f'"exp": {literal}'.encode()
            )
        )
        for literal in ("NaN", "Infinity", "1e400", "1" + "0" * 5000)
    },
    # I08
    "i08 aud missing": missing("aud"),
    **{
        f"i08 aud {value!r}": claim("aud", value)
        for value in ("other", "", [], None, [[CLIENT_ID]], [CLIENT_ID, "other"], [CLIENT_ID] * 2, {CLIENT_ID: 1})
    },
    "i08 foreign aud with our azp": lambda provider: provider.claims.update(aud="other", azp=CLIENT_ID),
    "i08 azp of another client": claim("azp", "other"),
    "i08 azp empty": claim("azp", ""),
    # I09
    "i09 an access token": header(typ="at+jwt"),
    "i09 a logout token": header(typ="logout+jwt"),
    "i09 a security event": header(typ="secevent+jwt"),
    "i09 a logout token by its claim": claim("events", {"http://schemas.openid.net/event/backchannel-logout": {}}),
    "i09 events null": claim("events", None),
    "i09 calls itself Bearer": claim("typ", "Bearer"),
    "i09 token_use access": claim("token_use", "access"),
    "i09 typ a list": header(typ=["JWT"]),
    "i09 a JARM answer": token(
        lambda p, _: signed(
            p.headers, json.dumps({"iss": p.issuer, "aud": CLIENT_ID, "exp": _NOW + 60, "code": "c"}).encode()
        )
    ),
    "i09 no ID token": lambda provider: provider.token_answer.update(id_token=None),
    "i09 the ID token a list": lambda provider: provider.token_answer.update(id_token=["a.b.c"]),
    # I10
    **{f"i10 at_hash {str(value)[:8]!r}": claim("at_hash", value) for value in (b64(b"x" * 16), "", None, ["a"], 1)},
    "i10 at_hash of the whole digest": claim("at_hash", b64(hashlib.sha256(b"the-access-token").digest())),
    "i10 at_hash without an access token": lambda provider: provider.token_answer.update(access_token=None),
    "i10 c_hash wrong": claim("c_hash", b64(b"x" * 16)),
    "i10 access token swapped": lambda provider: provider.token_answer.update(access_token="another"),
    # I11
    "i11 a name twice": payload(lambda text: text[:-1] + b', "sub": "admin"}'),
    "i11 a name twice, escaped": payload(lambda text: text[:-1] + b', "s\\u0075b": "admin"}'),
    "i11 a name twice, deep": payload(lambda text: text[:-1] + b', "x": {"a": 1, "a": 2}}'),
    "i11 UTF-16": payload(lambda text: text.decode().encode("utf-16")),
    "i11 UTF-16 without a mark": payload(lambda text: text.decode().encode("utf-16-le")),
    "i11 a byte order mark": payload(lambda text: b"\xef\xbb\xbf" + text),
    "i11 a lone surrogate": payload(lambda text: text.replace(b"Ada", b"\\ud800")),
    "i11 two values": payload(lambda text: text + text),
    "i11 text after it": payload(lambda text: text + b"x"),
    "i11 a list": payload(lambda text: b"[" + text + b"]"),
    "i11 5,000 levels": payload(lambda text: text[:-1] + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "i11 no UTF-8": payload(lambda text: text.replace(b"Ada", b"\xff")),
    "i11 NaN anywhere": payload(lambda text: text[:-1] + b', "x": NaN}'),
    "i11 alg twice in the header": raw_header(b'{"alg":"none","alg":"RS256","kid":"first"}'),
    "i11 header in UTF-16": raw_header(json.dumps({"alg": "RS256", "kid": "first"}).encode("utf-16")),
    "i11 header with a mark": raw_header(b"\xef\xbb\xbf" + json.dumps({"alg": "RS256", "kid": "first"}).encode()),
    # I12
    "i12 padded": rewritten(lambda text: text + "=="),
    "i12 a line break after it": rewritten(lambda text: text + "\n"),
    "i12 a blank inside": rewritten(lambda text: text.replace(".", ". ", 1)),
    "i12 the other alphabet": rewritten(lambda text: text.replace(".", "+/.", 1)),
    "i12 four segments": rewritten(lambda text: text + ".AAAA"),
    "i12 five segments": rewritten(lambda text: "AAAA.BBBB." + text),
    "i12 two segments": rewritten(lambda text: text.rsplit(".", 1)[0]),
    "i12 JSON serialisation": rewritten(_flattened),
    "i12 500 kB": payload(lambda text: text[:-1] + b', "x": "' + b"x" * 400_000 + b'"}'),
    "i12 another last character": rewritten(_last_character_changed),
    "i12 digits of another script": rewritten(lambda text: text + "\uff11"),
    "i12 an object": token(lambda _, claims: claims),
    "i12 a long header": header(x5t="x" * 13_000),
    # I13
    "i13 r and s zero": _ec_signature(bytes(64)),
    "i13 r and s the order": _ec_signature(_ORDER.to_bytes(32, "big") * 2),
    "i13 empty": _ec_signature(b""),
    "i13 DER": _ec_signature(bytes.fromhex("3006020101020101")),
    # I18
    "i18 a symmetric key": lambda provider: provider.keys.append({"kty": "oct", "k": b64(b"x" * 32), "kid": "s"}),
    "i18 a private key": key_set({**RSAKey.import_key(rsa_key("provider")).as_dict(private=True), "kid": "first"}),
    "i18 a kid twice": key_set(
        public_jwk(rsa_key("attacker"), kid="first"), public_jwk(rsa_key("provider"), kid="first")
    ),
    "i18 51 keys": key_set(*(public_jwk(rsa_key("provider"), kid="first" if n == 0 else f"k{n}") for n in range(51))),
    "i18 no keys": key_set(),
    "i18 256 kB": lambda provider: provider.keys[0].update(x5c=["x" * 260_000]),
    "i18 keys no list": lambda provider: setattr(provider, "raw_keys", b'{"keys": {}}'),
    "i18 keys not JSON": lambda provider: setattr(provider, "raw_keys", b"<html>"),
    "i18 exponent 1": lambda provider: provider.keys[0].update(e="AQ"),
    "i18 exponent even": lambda provider: provider.keys[0].update(e="Ag"),
    # subject
    "sub missing": missing("sub"),
    **{
        f"sub {str(value)[:12]!r}": claim("sub", value)
        for value in ("", None, 7, ["a"], "a" * 256, "a\nb", " a", "\u0430da")
    },
    # I15 to I17, I19: the answer
    "i15 state missing": answer(state=None),
    "i15 state of another": answer(state="other"),
    "i15 state no ASCII": answer(state="\ud800"),
    "i16 iss missing though announced": answer(iss=None),
    "i16 iss of another": answer(iss="https://attacker.example.test"),
    "i16 iss empty": answer(iss=""),
    "i17 an injected code": answer(code="stolen"),
    "i19 an error": answer(error="access_denied", error_description="<script>alert(1)</script>\r\nX: y"),
    "i19 an error without a code": answer(error="access_denied", code=None),
    "i19 no code": answer(code=None),
    "i19 a code that is no code": answer(code="a\nb"),
    "i19 a code of 5 kB": answer(code="c" * 5000),
    "i19 an ID token from the front": answer(id_token="a.b.c"),
    "i19 an access token from the front": answer(access_token="x"),
    "i19 a JARM answer": answer(response="a.b.c"),
    # the token endpoint
    "i16 an endpoint on another host": discovery(token_endpoint="https://attacker.example.test/token"),
    "i16 an endpoint without TLS": discovery(token_endpoint="http://id.example.test/token"),
    "token endpoint: a redirect": lambda provider: setattr(provider, "raw_token_answer", (302, b"{}")),
    "token endpoint: 201": lambda provider: setattr(provider, "raw_token_answer", (201, b"{}")),
    "token endpoint: no bearer": lambda provider: provider.token_answer.update(token_type="DPoP"),
    "token endpoint: a name twice": lambda provider: setattr(
        provider, "raw_token_answer", (200, b'{"id_token":"a.b.c","id_token":"d.e.f","token_type":"Bearer"}')
    ),
    "token endpoint: HTML": lambda provider: setattr(provider, "raw_token_answer", (200, b"<html>")),
    "token endpoint: an error with 200": lambda provider: provider.token_answer.update(error="invalid_grant"),
    "token endpoint: an error that is no text": lambda provider: provider.token_answer.update(error={"code": 7}),
    "token endpoint: an access token that is no text": lambda provider: provider.token_answer.update(access_token=[1]),
}

HONEST: dict[str, Lie] = {
    "as it is": lambda provider: None,
    "a header member that nobody knows": header(app_id="1d3f", extra={"a": [1]}),
    "a content type that is no token's": header(cty="json"),
    **{f"the header's {name}, which nobody follows": header(**{name: value}) for name, value in HINTS.items()},
    "hints of the wrong shape, which nobody reads": header(jwk="x", jku=7, x5u=None, x5c={}, x5t=[1]),
    "no kid, and one key": header_without("kid"),
    "no kid, and one key without one": both(header_without("kid"), key_set(public_jwk(rsa_key("provider")))),
    "no kid, and one key that fits": both(
        header_without("kid"),
        key_set(
            public_jwk(rsa_key("attacker"), kid="e", use="enc"),
            public_jwk(rsa_key("attacker"), kid="p", alg="PS256"),
            public_jwk(rsa_key("attacker"), kid="o", key_ops=["encrypt"]),
            {**ec_key("provider").as_dict(private=False), "kid": "c"},
            public_jwk(rsa_key("provider"), kid="first"),
        ),
    ),
    "one kid for keys of two kinds": lambda provider: provider.keys.append(
        {**ec_key("provider").as_dict(private=False), "kid": "first"}
    ),
    "one kid for a key to sign and one to encrypt": lambda provider: provider.keys.append(
        public_jwk(rsa_key("attacker"), kid="first", use="enc")
    ),
    "a kid in another script": both(
        header(kid="schlüssel 一"), key_set(public_jwk(rsa_key("provider"), kid="schlüssel 一"))
    ),
    "a key with null for what it does not have": key_set(
        public_jwk(rsa_key("provider"), kid="first", alg=None, use=None, key_ops=None, d=None, k=None, issuer=None)
    ),
    "a key with members that nobody knows": key_set(public_jwk(rsa_key("provider"), kid="first", x5c=["MIIB"], nbf=1)),
    **{
        f"{name} with a fraction": claim(name, value)
        for name, value in {"exp": _NOW + 0.5, "iat": _NOW - 0.25, "nbf": _NOW + 0.5, "auth_time": _NOW - 7.25}.items()
    },
    "exp written with an exponent": payload(
        lambda text: text.replace(f'"exp": {_NOW + 3600}'.encode(), b'"exp": 1.7954388e9')
    ),
    "a jti that is a number": claim("jti", 7),
    "a jti of 300 characters": claim("jti", "j" * 300),
    "a token answer with an error that names none": token_answer(error=None),
    "a token answer with an empty error": token_answer(error=""),
    **{
        f"a token answer with expires_in {value!r}": token_answer(expires_in=value)
        for value in ("3600.0", [1], {"a": 1}, "soon", 10**400, -1, None)
    },
    **{f"a token answer with expires_at {value!r}": token_answer(expires_at=value) for value in _NO_INSTANTS},
    "a token answer with members that nobody uses": token_answer(scope=None, refresh_token=["r"], not_before_policy=0),
    "a token type in other letters": token_answer(token_type="bEARER"),
    "typ left out": header_without("typ"),
    "typ in small letters": header(typ="jwt"),
    "aud as a list of one": claim("aud", [CLIENT_ID]),
    "azp is us": claim("azp", CLIENT_ID),
    "no at_hash": missing("at_hash"),
    "c_hash that fits": claim("c_hash", b64(hashlib.sha256(b"the-code").digest()[:16])),
    "exp within the skew": claim("exp", _NOW - 59),
    "iat within the skew": claim("iat", _NOW + 60),
    "iat dated back five minutes": claim("iat", _NOW - 300),
    "nbf now": claim("nbf", _NOW),
    "a key without alg": key_set({k: v for k, v in public_jwk(rsa_key("provider"), kid="first").items() if k != "alg"}),
    "keys of other kinds beside it": lambda provider: provider.keys.extend(
        [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "o"}, public_jwk(rsa_key("small", 1024), kid="old")]
    ),
    "x5t in the header": header(x5t="abcdefghijklmnopqrstuvwxyz0"),
    "no iss parameter where none is announced": both(
        discovery(authorization_response_iss_parameter_supported=False), answer(iss=None)
    ),
    "parameters that mean nothing to us": answer(session_state="x", scope="openid"),
    "1,500 groups": claim("groups", [f"group-{number}" for number in range(1500)]),
}


@pytest.mark.parametrize("preset", ISSUERS)
@pytest.mark.parametrize("name", LIES)
def test_a_sign_in_that_lies_in_one_thing_is_refused_by_every_preset(preset: str, name: str) -> None:
    lying = world(preset)
    LIES[name](lying.provider)
    with pytest.raises((SignInRejected, ProviderUnreachable)) as refusal:
        lying.sign_in()
    assert refusal.value.detail != refusal.value.public, "the log is told why"
    assert not isinstance(refusal.value, Unforeseen)
    assert "quiet secret" not in refusal.value.detail


@pytest.mark.parametrize("preset", ISSUERS)
@pytest.mark.parametrize("name", HONEST)
def test_its_honest_twin_is_let_in_by_every_preset(preset: str, name: str) -> None:
    honest = world(preset)
    HONEST[name](honest.provider)
    assert honest.sign_in().identity.email == "ada@example.test"


@pytest.mark.parametrize("preset", ISSUERS)
def test_the_same_key_and_token_pass_where_the_connection_takes_the_algorithm(preset: str) -> None:
    for name in ("PS256", "ES256"):
        honest = world(preset, algorithms=(name,))
        curve = {**ec_key("provider").as_dict(private=False), "kid": "curve", "use": "sig", "alg": "ES256"}
        honest.provider.keys = [public_jwk(rsa_key("provider"), kid="curve", alg="PS256") if name == "PS256" else curve]
        key = RSAKey.import_key(rsa_key("provider")) if name == "PS256" else ec_key("provider")
        header(alg=name, kid="curve")(honest.provider)
        take = token(
            lambda p, c, name=name, key=key: signed(  # type: ignore[misc]  # no type is inferred for defaults
                p.headers, json.dumps(c).encode(), algorithm(name, key)
            )
        )
        take(honest.provider)
        assert honest.sign_in().identity.subject


@pytest.mark.parametrize("preset", ISSUERS)
@pytest.mark.parametrize(
    "signature", [bytes(64), _ORDER.to_bytes(32, "big") * 2, b"", bytes.fromhex("3006020101020101")]
)
def test_edge_values_of_a_curve_are_no_signature_where_es256_is_taken(preset: str, signature: bytes) -> None:
    lying = world(preset, algorithms=("ES256",))
    _ec_signature(signature)(lying.provider)
    with pytest.raises(SignInRejected):
        lying.sign_in()


# ------------------------------------------------------------------------------------------------ the browser's part


def test_an_error_of_the_provider_reaches_the_log_escaped_and_the_public_not_at_all() -> None:
    asked = world()
    LIES["i19 an error"](asked.provider)
    with pytest.raises(SignInRejected) as refusal:
        asked.sign_in()
    assert "access_denied" in refusal.value.detail
    assert "\r" not in refusal.value.detail
    assert "script" not in refusal.value.public


# ------------------------------------------------------------------------------------------------------------- keys


def test_a_segment_written_another_way_is_refused_before_any_key_is_asked() -> None:
    asked = world()
    LIES["i12 another last character"](asked.provider)
    with pytest.raises(SignInRejected, match="canonically"):
        asked.sign_in()
    assert key_fetches(asked) == 0


@pytest.mark.parametrize(
    ("lie", "is_believed"), [("i05 nonce missing", True), ("i06 issuer missing", True), ("i19 an error", False)]
)
def test_a_refusal_says_whether_the_signature_held(lie: str, is_believed: bool) -> None:
    asked = world()
    LIES[lie](asked.provider)
    with pytest.raises(SignInRejected) as refusal:
        asked.sign_in()
    assert refusal.value.is_believed is is_believed
