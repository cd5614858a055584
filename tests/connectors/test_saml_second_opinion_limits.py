"""Both verifiers at the very instant a message names, and what only SAML's XML schema refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from saml_factories import NOW, arrive
from saml_forms import EncryptionForm, Form, answer
from saml_words import ATTRIBUTES, AUTHN, CONDITIONS, DATA, adding, all_of, company, removing, setting

from federation_bridge.errors import SignInRejected, VerifiersDisagree

# ---------------------------------------------------------------------------------------------------- the clock


@pytest.mark.parametrize(("after", "is_taken"), [(0.0, True), (0.5, True), (0.899999, True), (0.9, False)])
def test_a_message_ends_for_both_at_the_very_instant_that_it_names(after: float, is_taken: bool) -> None:
    ends = "2026-01-15T12:00:05.900Z"
    change = all_of(setting(CONDITIONS, NotOnOrAfter=ends), setting(DATA, NotOnOrAfter=ends))
    here = company(now=NOW + timedelta(seconds=after))
    if is_taken:
        assert arrive(answer(Form(change=change)), here).identity.groups.names
        return
    with pytest.raises(SignInRejected, match=r"ended at|too old") as refusal:
        arrive(answer(Form(change=change)), here)
    assert not isinstance(refusal.value, VerifiersDisagree)


def test_a_session_ends_for_both_at_the_very_instant_that_it_names() -> None:
    change = setting(AUTHN, SessionNotOnOrAfter="2026-01-15T12:00:05.900Z")
    assert arrive(answer(Form(change=change)), company(now=NOW + timedelta(seconds=0.5))).identity.groups.names


# ---------------------------------------------------------------------------- what only SAML's XML schema refuses


NOT_BY_THE_SCHEMA = {
    "a type that the message does not define": (
        adding(
            ATTRIBUTES, '<a:Attribute Name="t"><a:AttributeValue xsi:type="f:Mine">x</a:AttributeValue></a:Attribute>'
        ),
        "attribute 'type'",
    ),
    "a value that is not of its type": (
        adding(
            ATTRIBUTES, '<a:Attribute Name="t"><a:AttributeValue xsi:type="xs:int">x</a:AttributeValue></a:Attribute>'
        ),
        "'x' is not a valid value",
    ),
    "nil that holds a text": (
        adding(ATTRIBUTES, '<a:Attribute Name="t"><a:AttributeValue xsi:nil="true">x</a:AttributeValue></a:Attribute>'),
        "AttributeValue",
    ),
    "a context that names nothing": (
        all_of(
            removing(AUTHN + "/AuthnContext/AuthnContextClassRef"),
            adding(AUTHN + "/AuthnContext", "<a:AuthenticatingAuthority>urn:a</a:AuthenticatingAuthority>"),
        ),
        "AuthnContextClassRef",
    ),
}


@pytest.mark.parametrize("encryption", [None, EncryptionForm()])
@pytest.mark.parametrize("case", NOT_BY_THE_SCHEMA)
def test_what_the_schema_refuses_is_no_alarm_and_named(case: str, encryption: EncryptionForm | None) -> None:
    change, named = NOT_BY_THE_SCHEMA[case]
    with pytest.raises(SignInRejected, match=f"shape: not what SAML's XML schema allows: .*{named}") as refusal:
        arrive(answer(Form(change=change, encryption=encryption)), company())
    assert not isinstance(refusal.value, VerifiersDisagree)
    assert "{" not in refusal.value.detail
