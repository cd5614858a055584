"""The identity provider's public keys, read strictly (RFC 7517; attacks I02, I03, I18)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from federation_bridge.connectors.key_names import readable
from federation_bridge.connectors.oidc.refreshed import Refreshed
from federation_bridge.connectors.oidc.strict_json import published_object
from federation_bridge.errors import SignInRejected
from federation_bridge.model import JsonObject

MAX_KEY_SET_BYTES = 256_000
_MOST_KEYS = 50
_RSA_BITS = range(2048, 8193)
_LARGEST_EXPONENT = 2**32
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,2048}")
_LONGEST_KID = 1024
_ALGORITHMS_BY_TYPE: Mapping[str, frozenset[str]] = {
    "RSA": frozenset({"RS256", "PS256"}),
    "EC": frozenset({"ES256"}),
}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key, and the algorithms that its own description leaves open to it."""

    kid: str | None
    """Its name; None: it has none, and only a token that names no key may be verified by it (RFC 7517 4.5)."""
    algorithms: frozenset[str]
    key: RSAKey | ECKey = field(repr=False)
    issuer: str | None = None
    """Entra binds a key to an issuer, perhaps with `{tenantid}` in it."""

    @property
    def name(self) -> str:
        """For people: its kid, or its thumbprint (RFC 7638)."""
        return self.kid if self.kid is not None else f"(no kid, thumbprint {readable(self.key.thumbprint())})"


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of a provider: no two with one kid fit one algorithm."""

    keys: tuple[VerificationKey, ...]

    def key_for(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """The key of exactly this kid that fits the algorithm; for a token without kid, the only key that fits at all.

        Where several would fit, the provider has to say which (OpenID Connect Core 10.1): none is tried.
        """
        fitting = [key for key in self.keys if algorithm in key.algorithms and kid in (None, key.kid)]
        return fitting[0] if len(fitting) == 1 else None


def keys_meant(kept: Refreshed[KeySet], kid: str | None, algorithm: str) -> Iterator[VerificationKey]:
    """The key that a token means (`KeySet.key_for`), then the one of a newer set, if that is another key.

    The newer set is fetched only for a caller that asks for the second key, and once for all nodes (ADR 0022).
    """
    seen = kept.current()
    known = seen.key_for(kid, algorithm)
    if known is not None:
        yield known
    newer = kept.newer_than(seen)
    renewed = None if newer is None else newer.key_for(kid, algorithm)
    if renewed is not None and renewed != known:
        yield renewed


def read_key_set(text: bytes) -> KeySet:
    """The keys of a JWK Set that can verify an ID token.

    Keys of other types, for encryption or too weak are passed over: nothing will verify against them. SignInRejected
    refuses the whole set: too large, not plain JSON, one kid for two keys of one algorithm, a private or symmetric key
    (whoever publishes those has lost them), or no usable key at all.
    """
    if len(text) > MAX_KEY_SET_BYTES:
        raise SignInRejected("key set: more than 256 kB")
    entries = published_object(text, "key set").get("keys")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SignInRejected("key set: `keys` is not a list of objects")
    if len(entries) > _MOST_KEYS:
        raise SignInRejected(f"key set: more than {_MOST_KEYS} keys")
    # Serializers that write null for what a key does not have say the same as those that leave it out.
    entries = [{name: value for name, value in entry.items() if value is not None} for entry in entries]
    _refuse_exposed(entries)
    found = [key for entry in entries if (key := _usable(entry)) is not None]
    if not found:
        raise SignInRejected("key set: holds no key that could verify an ID token")
    _refuse_ambiguous(found)
    return KeySet(tuple(found))


def _refuse_exposed(entries: list[JsonObject]) -> None:
    for entry in entries:
        if entry.get("kty") == "oct" or _PRIVATE_MEMBERS & entry.keys():
            raise SignInRejected("key set: publishes a private or symmetric key")


def _refuse_ambiguous(found: list[VerificationKey]) -> None:
    """One kid may stand for keys of several kinds (RFC 7517 4.5), and not for two that a token could mean."""
    named = [(key.kid, algorithm) for key in found if key.kid is not None for algorithm in key.algorithms]
    if len(named) != len(set(named)):
        raise SignInRejected("key set: two keys for the same algorithm have the same kid")


def _usable(entry: JsonObject) -> VerificationKey | None:
    kid, kty, issuer = entry.get("kid"), entry.get("kty"), entry.get("issuer")
    if not isinstance(kid, str | None) or len(kid or "") > _LONGEST_KID or not isinstance(issuer, str | None):
        return None
    algorithms = _ALGORITHMS_BY_TYPE.get(kty, frozenset()) if isinstance(kty, str) else frozenset()
    if "alg" in entry:
        algorithms &= {entry["alg"]} if isinstance(entry["alg"], str) else frozenset()
    if not algorithms or not _may_verify(entry):
        return None
    key = _rsa(entry) if kty == "RSA" else _p256(entry)
    return VerificationKey(kid, algorithms, key, issuer) if key is not None else None


def _may_verify(entry: JsonObject) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return entry.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _rsa(entry: JsonObject) -> RSAKey | None:
    modulus, exponent = _number(entry.get("n")), _number(entry.get("e"))
    if modulus.bit_length() not in _RSA_BITS or not 2 < exponent < _LARGEST_EXPONENT:  # noqa: PLR2004 - e=1 signs all
        return None
    if _is_guessable(modulus):
        return None
    imported: RSAKey | None = _imported(RSAKey, {"kty": "RSA", "n": entry["n"], "e": entry["e"]})
    return imported


def _powers(prime: int) -> frozenset[int]:
    """Every remainder that a power of 65537 leaves when divided by this prime."""
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))


_FINGERPRINT = {
    prime: _powers(prime) for prime in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151)
}


def _is_guessable(modulus: int) -> bool:
    """Whether the modulus has the mark of smart cards whose keys can be factored (CVE-2017-15361)."""
    return all(modulus % prime in powers for prime, powers in _FINGERPRINT.items())


def _number(text: object) -> int:
    """The unsigned number of RFC 7518 section 2 (Base64urlUInt); 0 where the text is none."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        return 0
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return 0


def _p256(entry: JsonObject) -> ECKey | None:
    if entry.get("crv") != "P-256":
        return None
    members = {"kty": "EC", "crv": "P-256", "x": entry.get("x"), "y": entry.get("y")}
    imported: ECKey | None = _imported(ECKey, members)
    return imported


def _imported(kind: Any, members: dict[str, Any]) -> Any:
    """The key made of exactly these public members, or None where they make none."""
    if not all(isinstance(value, str) and _BASE64URL.fullmatch(value) for value in members.values()):
        return None
    try:
        key = kind.import_key(members)
        _ = key.public_key  # the numbers are checked when the key is built
    except (JoseError, ValueError, TypeError):
        return None
    return key
