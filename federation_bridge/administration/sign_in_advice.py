"""What an administrator can do about a refused sign-in: a sentence for each check, and for each kind of refusal."""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.audit import VerifiersDisagreed

_CLOCKS = "Compare the provider's clock with ours; the connection's `skew` says how far they may differ."
_METADATA = "Compare the connection's metadata with what the provider shows: address, entityID and certificate."
_OURS = "Enter at the provider what the connection's folder in `idp_metadata` says: entityID and address of ours."
_AGAIN = "Let the person begin again on our own page, in one browser and one tab."
_READABLE = "Let the provider's administrator look at the message: another program wrote or changed it."

OF_CODES: Mapping[str, str] = {
    "sign_in_expired": _AGAIN,
    "unsolicited": "Let the person begin on our page, or allow it for this connection by `allow_idp_initiated`.",
    "state_lost": "Look whether the provider, or a proxy before us, drops RelayState or `state`.",
    "other_connection": _OURS,
    "provider_unreachable": "Look whether the provider is up, and whether this machine reaches it.",
    "connection_misconfigured": "Mend the setting that the cause names; `federation-bridge check` tells it too.",
    "configuration": "Mend what the cause names; `federation-bridge check` tells it too.",
    "unavailable": "Look at the database: `/readyz` says what is wrong with it.",
}
"""By the code of a refusal, where it says more than the check."""

OF_CHECKS: Mapping[str, str] = {
    "address": _OURS,
    "pending sign-in": _AGAIN,
    "request": _AGAIN,
    "form": _READABLE,
    "documents": _METADATA,
    "shape": _READABLE,
    "Response signature": _METADATA,
    "Response": _READABLE,
    "decryption": "Give the provider our newest metadata: it may encrypt with a key that we no longer have.",
    "Assertion signature": _METADATA,
    "signed and encrypted": "Let the provider sign and encrypt as the connection's `signed` and `encryption` say.",
    "Assertion": _READABLE,
    "Response Issuer": _METADATA,
    "Destination": _OURS,
    "InResponseTo": _AGAIN,
    "Issuer": _METADATA,
    "IssueInstant": _CLOCKS,
    "NameID": "Let the provider send a NameID without qualifiers of others.",
    "Conditions": "Let the provider send Conditions with NotOnOrAfter.",
    "AudienceRestriction": _OURS,
    "ProxyRestriction": "Let the provider send no ProxyRestriction to us.",
    "NotBefore": _CLOCKS,
    "SubjectConfirmation": _OURS,
    "AuthnStatement": "Let the provider do as `force_authn` and `max_age` ask, or change them.",
    "NotOnOrAfter": f"{_CLOCKS} If they agree, the person waited too long, or an old message was sent again.",
    "second opinion": "Keep the entry and ask whose message this is: it may be an attack.",
    "identity": "Compare the connection's `subject` with the names that arrived.",
    "response mode": "Let the provider answer as the connection's `response_mode` says.",
    "state": _AGAIN,
    "iss of the answer": "Compare the connection's `issuer` with the provider's own, letter by letter.",
    "code": "Look up the error that the cause names in the provider's own log.",
    "sign-in taken": _AGAIN,
    "token endpoint": "Compare `client_id`, secret or key, and redirect URI with what the provider has.",
    "UserInfo request": "Look whether this client may ask the UserInfo endpoint, with these `scopes`.",
    "ID token signature": "Compare the connection's `algorithms` and the provider's published keys.",
    "ID token": "Let the provider send an ID token, and no token of another kind.",
    "iss": "Compare the connection's `issuer` and `tenants` with the token's `iss`.",
    "aud": "Compare `client_id` with the token's `aud`; name others whom it is for in `audiences`.",
    "nonce": _AGAIN,
    "times": _CLOCKS,
    "hashes": "Look what stands between us and the provider: the token belongs to another code.",
    "sub": "Let the provider send a `sub` of plain characters.",
    "UserInfo": "Let the provider's administrator look why UserInfo tells of somebody else.",
    "groups": "Look at the directory: it says why it knows no such person.",
    "session end": "Let the person sign in at the provider anew: their session there is over.",
    "once": "Nothing, if it was Back or a reload; otherwise ask who has that message.",
    "other": "Look in the log under the same reference.",
}
"""By the check that refused (`sign_in_checks`)."""


def advice(event: str, code: str, failed: str) -> str:
    """The sentence for this refusal; "" where none is known."""
    if event == VerifiersDisagreed.name:
        return OF_CHECKS["second opinion"]
    return OF_CODES.get(code) or OF_CHECKS.get(failed, "")
