"""What an administrator can do about a refused sign-in: a sentence for each check, and for each kind of refusal."""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.audit import VerifiersDisagreed
from federation_bridge.sentence import Sentence

_CLOCKS = Sentence("Compare the provider's clock with ours; the connection's `skew` says how far they may differ.")
_METADATA = Sentence(
    "Compare the connection's metadata with what the provider shows: address, entityID and certificate."
)
_OURS = Sentence("Enter our entityID and address at the provider, as the connection's folder in `idp_metadata` says.")
_AGAIN = Sentence("Ask the person to begin again on our own page, in one browser and one tab.")
_METHOD = Sentence(
    "Configure the provider to authenticate people by the requested method. The connection's `authentication_methods`"
    " say how we request a method, and which value in the answer proves it."
)
_READABLE = Sentence("Ask the provider's administrator to look at the message: another program wrote or changed it.")

OF_CODES: Mapping[str, Sentence] = {
    "sign_in_expired": _AGAIN,
    "unsolicited": Sentence("Ask the person to begin on our page, or set `allow_idp_initiated` for this connection."),
    "state_lost": Sentence("Check whether the provider, or a proxy in front of us, drops RelayState or `state`."),
    "other_connection": _OURS,
    "provider_unreachable": Sentence("Check whether the provider is up, and whether this machine can reach it."),
    "not_authenticated_as_asked": Sentence(
        "Configure the provider to say how and when people were authenticated. If it cannot do this, rules and the"
        " connection's `second_factor` must not require it."
    ),
    "sign_in_declined": Sentence("The person cancelled at the provider, or it refused them: its own log says which."),
    "not_assigned": Sentence("Assign the person, or a group of theirs, to the bridge's application at the provider."),
    "connection_misconfigured": Sentence(
        "Correct the setting that the cause names; `federation-bridge check` reports it too."
    ),
    "configuration": Sentence("Correct what the cause names; `federation-bridge check` reports it too."),
    "too_many_sign_ins": Sentence(
        "Ask the person what signs them in so often. If they do not know, block them and end what they hold."
    ),
    "unavailable": Sentence("Look at the database: `/readyz` says what is wrong with it."),
}
"""By the code of a refusal, where it says more than the check."""

OF_CHECKS: Mapping[str, Sentence] = {
    "address": _OURS,
    "pending sign-in": _AGAIN,
    "request": _AGAIN,
    "form": _READABLE,
    "documents": _METADATA,
    "shape": _READABLE,
    "Response signature": _METADATA,
    "Response": _READABLE,
    "decryption": Sentence("Give the provider our newest metadata: it may encrypt with a key that we no longer have."),
    "Assertion signature": _METADATA,
    "signed and encrypted": Sentence(
        "Configure the provider to sign and encrypt as the connection's `signed` and `encryption` say."
    ),
    "Assertion": _READABLE,
    "Response Issuer": _METADATA,
    "Destination": _OURS,
    "InResponseTo": _AGAIN,
    "Issuer": _METADATA,
    "IssueInstant": _CLOCKS,
    "NameID": Sentence("Configure the provider to send a NameID without qualifiers of other parties."),
    "Conditions": Sentence("Configure the provider to send Conditions with NotOnOrAfter."),
    "AudienceRestriction": _OURS,
    "ProxyRestriction": Sentence("Configure the provider to send no ProxyRestriction to us."),
    "NotBefore": _CLOCKS,
    "SubjectConfirmation": _OURS,
    "AuthnStatement": Sentence(
        "Configure the provider to do what `force_authn` and `max_age` request, or change these settings."
    ),
    "NotOnOrAfter": Sentence(
        "%(advice)s If they agree, the person waited too long, or an old message was sent again.", advice=_CLOCKS
    ),
    "second opinion": Sentence("Keep the entry and ask whose message this is: it may be an attack."),
    "identity": Sentence("Compare the connection's `subject` with the names that arrived."),
    "authentication method": _METHOD,
    "response mode": Sentence("Configure the provider to answer as the connection's `response_mode` says."),
    "state": _AGAIN,
    "iss of the answer": Sentence("Compare the connection's `issuer` with the provider's own, letter by letter."),
    "code": Sentence("Look up the error that the cause names in the provider's own log."),
    "sign-in taken": _AGAIN,
    "token endpoint": Sentence("Compare `client_id`, secret or key, and redirect URI with what the provider has."),
    "UserInfo request": Sentence("Check whether this client may call the UserInfo endpoint with these `scopes`."),
    "ID token signature": Sentence("Compare the connection's `algorithms` and the provider's published keys."),
    "ID token": Sentence("Configure the provider to send an ID token, and no token of another kind."),
    "iss": Sentence("Compare the connection's `issuer` and `tenants` with the token's `iss`."),
    "aud": Sentence("Compare `client_id` with the token's `aud`; list its other audiences in `audiences`."),
    "nonce": _AGAIN,
    "times": _CLOCKS,
    "hashes": Sentence(
        "Find out what stands between us and the provider: the token belongs to another authorization code."
    ),
    "sub": Sentence("Configure the provider to send a `sub` of plain characters."),
    "UserInfo": Sentence("Ask the provider's administrator why UserInfo describes another person."),
    "groups": Sentence("Look at the directory: it says why it knows no such person."),
    "session end": Sentence("Ask the person to sign in at the provider again: their session there is over."),
    "once": Sentence(
        "Nothing, if the person went back or reloaded the page; otherwise find out who else has that message."
    ),
    "other": Sentence("Look in the log under the same reference."),
}
"""By the check that refused (`sign_in_checks`)."""


def advice(event: str, code: str, failed: str) -> Sentence | None:
    """The sentence for this refusal; None where none is known."""
    if event == VerifiersDisagreed.name:
        return OF_CHECKS["second opinion"]
    return OF_CODES.get(code) or OF_CHECKS.get(failed)
