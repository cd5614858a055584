"""Published tokens and keys through the check that an ID token passes: those of our algorithms in, every other out."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.published import Case, cases
from federation_bridge.connectors.oidc.compact_token import verified_token
from federation_bridge.connectors.oidc.key_set import KeySet, read_key_set
from federation_bridge.errors import SignInRejected

pytestmark = pytest.mark.corpus

OURS = ("RS256", "PS256", "ES256")
TOKENS = [case for kind in ("jws", "jwe", "nested") for case in cases(kind)]
KEYS = cases("jwk")

PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi"})

STRICTER = {
    "not three base64url segments": "its payload is empty, which no ID token's is",
}
"""What we refuse although the label accepts it, and why; found in the refusal's own words."""


@functools.cache
def _document(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _key_and_token(case: Case) -> tuple[Any, Any]:
    """The key as it was published, and the token: a text, or the JSON serialisation."""
    document = _document(case.path(case.told["file"]))
    if "testGroups" not in document:
        given = document.get("input", {})
        output = document.get("output", {})
        return given.get("key"), output.get("compact") or output.get("json") or document
    group = document["testGroups"][case.told["group_index"]]
    test = next(one for one in group["tests"] if one["tcId"] == case.told["tcId"])
    return group[case.told["key_field"]], test.get("jws") or test.get("jwe")


def _public(key: Any) -> dict[str, Any]:
    """The published half of an asymmetric key: recipes print the private key that made their example."""
    asymmetric = isinstance(key, dict) and key.get("kty") in ("RSA", "EC")
    return {name: value for name, value in key.items() if not asymmetric or name not in PRIVATE}


def _key_set(key: Any) -> KeySet:
    listed = key["keys"] if isinstance(key, dict) and "keys" in key else key if isinstance(key, list) else [key]
    return read_key_set(json.dumps({"keys": listed}).encode())


def _verified(key: Any, token: Any) -> bytes:
    keys = _key_set(key)
    return verified_token(token, lambda kid, alg: [one] if (one := keys.key_for(kid, alg)) else [], OURS).payload


def _algorithm(token: Any) -> object:
    if not isinstance(token, str):
        return None
    header = token.split(".")[0]
    try:
        return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))).get("alg")
    except (ValueError, AttributeError):
        return None


@pytest.mark.parametrize("case", TOKENS, ids=lambda case: case.id)
def test_a_token_is_believed_only_where_its_label_and_our_algorithms_agree(
    case: Case, remark: Callable[[str, str], None]
) -> None:
    key, token = _key_and_token(case)
    if case.told["expected_for_oidc_rp"] != "accept" or _algorithm(token) not in OURS:
        with pytest.raises(SignInRejected):
            _verified(key, token)
        return
    try:
        payload = _verified(_public(key), token)
    except SignInRejected as refusal:
        reasons = [why for words, why in STRICTER.items() if words in refusal.detail]
        assert reasons, refusal.detail
        remark(case.id, reasons[0])
    else:
        segment = token.split(".")[1]
        assert payload == base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


@pytest.mark.parametrize(
    "case", [case for case in TOKENS if case.told["expected_for_oidc_rp"] != "accept"], ids=lambda c: c.id
)
def test_a_token_that_deserves_no_belief_gets_none_with_the_public_half_of_its_key_either(case: Case) -> None:
    key, token = _key_and_token(case)
    if isinstance(key, dict) and "keys" in key:
        key = {"keys": [_public(one) for one in key["keys"]]}
    elif isinstance(key, dict):
        key = _public(key)
    with pytest.raises(SignInRejected):
        _verified(key, token)


@pytest.mark.parametrize("case", KEYS, ids=lambda case: case.id)
def test_a_published_key_is_taken_only_where_it_is_public_and_of_our_kinds(case: Case) -> None:
    key = _document(case.path(case.told["file"]))
    if "rsa_public_key" not in case.id:
        with pytest.raises(SignInRejected):
            _key_set(key)
        return
    assert [one.kid for one in _key_set(key).keys] == [key["kid"]]


def test_the_run_has_tokens_that_must_be_believed() -> None:
    wanted = [case for case in TOKENS if case.told["expected_for_oidc_rp"] == "accept"]
    ours = [case.id for case in wanted if _algorithm(_key_and_token(case)[1]) in OURS]
    assert len(ours) >= 15
