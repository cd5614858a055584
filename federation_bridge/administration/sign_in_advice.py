"""What an administrator can do about a refused sign-in: a sentence for each check, and for each kind of refusal."""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.audit import VerifiersDisagreed
from federation_bridge.sentence import Sentence

_CLOCKS = Sentence("Compare the provider's clock with ours; the connection's `skew` says how far they may differ.")
_METADATA = Sentence(
    "Compare the connection's metadata with what the provider shows: address, entityID and certificate."
)
_OURS = Sentence(
    "Enter at the provider what the connection's folder in `idp_metadata` says: entityID and address of ours."
)
_AGAIN = Sentence("Let the person begin again on our own page, in one browser and one tab.")
_METHOD = Sentence(
    "Let the provider authenticate people as it is asked to; the connection's `authentication_methods` say what asks"
    " for a method, and what in an answer tells it."
)
_READABLE = Sentence("Let the provider's administrator look at the message: another program wrote or changed it.")

OF_CODES: Mapping[str, Sentence] = {
    "sign_in_expired": _AGAIN,
    "unsolicited": Sentence(
        "Let the person begin on our page, or allow it for this connection by `allow_idp_initiated`."
    ),
    "state_lost": Sentence("Look whether the provider, or a proxy before us, drops RelayState or `state`."),
    "other_connection": _OURS,
    "provider_unreachable": Sentence("Look whether the provider is up, and whether this machine reaches it."),
    "not_authenticated_as_asked": Sentence(
        "Let the provider tell how and when people were authenticated. What it cannot do,"
        " rules and `second_factor` of the connection must not ask for."
    ),
    "sign_in_declined": Sentence("The person cancelled at the provider, or it refused them: its own log says which."),
    "not_assigned": Sentence("Assign the person, or a group of theirs, to the bridge's application at the provider."),
    "connection_misconfigured": Sentence(
        "Mend the setting that the cause names; `federation-bridge check` tells it too."
    ),
    "configuration": Sentence("Mend what the cause names; `federation-bridge check` tells it too."),
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
        "Let the provider sign and encrypt as the connection's `signed` and `encryption` say."
    ),
    "Assertion": _READABLE,
    "Response Issuer": _METADATA,
    "Destination": _OURS,
    "InResponseTo": _AGAIN,
    "Issuer": _METADATA,
    "IssueInstant": _CLOCKS,
    "NameID": Sentence("Let the provider send a NameID without qualifiers of others."),
    "Conditions": Sentence("Let the provider send Conditions with NotOnOrAfter."),
    "AudienceRestriction": _OURS,
    "ProxyRestriction": Sentence("Let the provider send no ProxyRestriction to us."),
    "NotBefore": _CLOCKS,
    "SubjectConfirmation": _OURS,
    "AuthnStatement": Sentence("Let the provider do as `force_authn` and `max_age` ask, or change them."),
    "NotOnOrAfter": Sentence(
        "%(advice)s If they agree, the person waited too long, or an old message was sent again.", advice=_CLOCKS
    ),
    "second opinion": Sentence("Keep the entry and ask whose message this is: it may be an attack."),
    "identity": Sentence("Compare the connection's `subject` with the names that arrived."),
    "authentication method": _METHOD,
    "response mode": Sentence("Let the provider answer as the connection's `response_mode` says."),
    "state": _AGAIN,
    "iss of the answer": Sentence("Compare the connection's `issuer` with the provider's own, letter by letter."),
    "code": Sentence("Look up the error that the cause names in the provider's own log."),
    "sign-in taken": _AGAIN,
    "token endpoint": Sentence("Compare `client_id`, secret or key, and redirect URI with what the provider has."),
    "UserInfo request": Sentence("Look whether this client may ask the UserInfo endpoint, with these `scopes`."),
    "ID token signature": Sentence("Compare the connection's `algorithms` and the provider's published keys."),
    "ID token": Sentence("Let the provider send an ID token, and no token of another kind."),
    "iss": Sentence("Compare the connection's `issuer` and `tenants` with the token's `iss`."),
    "aud": Sentence("Compare `client_id` with the token's `aud`; list its other audiences in `audiences`."),
    "nonce": _AGAIN,
    "times": _CLOCKS,
    "hashes": Sentence("Look what stands between us and the provider: the token belongs to another code."),
    "sub": Sentence("Let the provider send a `sub` of plain characters."),
    "UserInfo": Sentence("Let the provider's administrator look why UserInfo tells of somebody else."),
    "groups": Sentence("Look at the directory: it says why it knows no such person."),
    "session end": Sentence("Let the person sign in at the provider anew: their session there is over."),
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
