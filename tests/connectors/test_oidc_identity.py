"""Who the verified claims say it is: presets, tenants, groups, addresses, methods."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from openid_provider import CLIENT_ID, ISSUERS, NOON, OTHER_TENANT, PERSON, PERSON_CLAIMS, SETTINGS, TENANT

from federation_bridge.connectors.oidc.id_token import IdToken
from federation_bridge.connectors.oidc.identity import identity_from
from federation_bridge.connectors.presets import OIDC_PRESETS
from federation_bridge.errors import SignInRejected
from federation_bridge.model import Identity
from federation_bridge.settings import OidcConnection


def read(preset: str = "generic", claims: dict[str, Any] | None = None, **settings: Any) -> Identity:
    chosen = {
        "protocol": "oidc",
        "title": "Company",
        "preset": preset,
        "issuer": ISSUERS[preset],
        "client_id": CLIENT_ID,
        **SETTINGS.get(preset, {}),
        **settings,
    }
    said = {
        "iss": ISSUERS[preset],
        "sub": "00u-person",
        "email": "ada@example.test",
        "groups": ["readers"],
        **PERSON_CLAIMS[preset],
        **(claims or {}),
    }
    kept = {name: value for name, value in said.items() if value is not ...}
    token = IdToken(kept, str(kept["iss"]), "id", NOON, NOON)
    return identity_from(token, "company", OidcConnection.model_validate(chosen), OIDC_PRESETS[preset])


@pytest.mark.parametrize(
    ("preset", "subject"),
    [
        ("generic", "00u-person"),
        ("okta", "00u-person"),
        ("google", "00u-person"),
        ("entra", f"{TENANT}.{PERSON}"),
    ],
)
def test_a_person_is_the_claim_that_never_passes_to_another(preset: str, subject: str) -> None:
    assert read(preset).subject == subject


def test_a_connection_can_name_another_claim_for_the_subject() -> None:
    assert read(claims={"employee": "E-17"}, subject="employee").subject == "E-17"
    for wrong in (..., "", 17, ["E-17"], "a\nb"):
        with pytest.raises(SignInRejected):
            read(claims={"employee": wrong}, subject="employee")


@pytest.mark.parametrize(
    "claims",
    [
        {"tid": ...},
        {"oid": ...},
        {"tid": OTHER_TENANT},
        {"oid": PERSON.upper()},
        {"tid": [TENANT]},
        {"oid": "ada"},
        {"oid": PERSON + "\n"},
        {"iss": f"https://login.example.test/{OTHER_TENANT}/v2.0"},
        {"iss": "https://login.example.test/"},
    ],
)
def test_an_entra_person_needs_the_guids_of_person_and_tenant_and_the_issuer_of_that_tenant(
    claims: dict[str, Any],
) -> None:
    with pytest.raises(SignInRejected):
        read("entra", claims)
    with pytest.raises(SignInRejected):
        read("entra", claims, subject="sub")


def test_only_the_tenants_that_a_connection_names_may_sign_in() -> None:
    assert read("entra", tenants=(TENANT,)).subject
    with pytest.raises(SignInRejected, match="tenant"):
        read("entra", tenants=(OTHER_TENANT,))


@pytest.mark.parametrize("domain", [..., None, "", "other.test", "EXAMPLE.TEST", ["example.test"], True])
def test_only_the_hosted_domains_that_a_connection_names_may_sign_in(domain: object) -> None:
    with pytest.raises(SignInRejected, match="hosted domain"):
        read("google", {"hd": domain})


@pytest.mark.parametrize("preset", ["generic", "okta", "entra"])
@pytest.mark.parametrize(
    "claims",
    [
        {"groups": None},
        {"groups": 7},
        {"groups": True},
        {"groups": {"a": 1}},
        {"groups": [str(number) for number in range(5001)]},
        {"groups": ...},
        {"_claim_names": {"groups": "src1"}},
        {"_claim_names": "groups"},
        {"_claim_names": ["groups"]},
        {"hasgroups": True},
        {"hasgroups": "true"},
        {"hasgroups": 1},
        {"hasgroups": None},
    ],
)
def test_groups_that_are_not_all_there_are_none_and_the_gap_is_told(preset: str, claims: dict[str, Any]) -> None:
    found = read(preset, claims)
    assert found.groups.names == ()
    assert found.groups.gap
    assert not {"groups", "_claim_names", "hasgroups"} & found.attributes.keys()


@pytest.mark.parametrize("text", ["readers", "readers,admins", "readers;admins", "readers admins", "cn=a,ou=b"])
def test_one_group_as_a_text_is_one_group_unsplit(text: str) -> None:
    found = read(claims={"groups": text})
    assert (found.groups.names, found.groups.why_incomplete) == ((text,), None)
    assert read(claims={"groups": ""}).groups.names == ()


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        ("a\nb", "U+000A"),
        ("adm\u200bins", "U+200B (ZERO WIDTH SPACE)"),
        ("x" * 3000, "3000 characters"),
        (7, "no text but int"),
        (None, "no text but NoneType"),
        (["admins"], "no text but list"),
    ],
)
def test_a_value_that_is_no_groups_name_is_left_out_alone_and_told(refused: object, told: str) -> None:
    found = read(claims={"groups": ["readers", refused, "writers"]})
    assert (found.groups.names, found.groups.gap) == (("readers", "writers"), None)
    assert told in str(found.groups.left_out)
    assert read(claims={"groups": ["readers", "writers"]}).groups.left_out is None
    if isinstance(refused, str):
        alone = read(claims={"groups": refused})
        assert (alone.groups.names, alone.groups.left_out is None) == ((), False)


def test_groups_are_told_once_and_in_order() -> None:
    found = read(claims={"groups": ["b", "a", "b"], "_claim_names": {"photo": "src1"}, "hasgroups": False})
    assert (found.groups.names, found.groups.gap) == (("b", "a"), None)
    assert read(claims={"groups": []}).groups.gap is None
    assert read(claims={"groups": ["a", ""]}).groups.why_incomplete is None
    assert read(claims={"teams": ["x"]}, groups="teams").groups.names == ("x",)
    google = read("google")
    assert (google.groups.names, google.groups.gap) == ((), None)


@pytest.mark.parametrize(
    ("preset", "claims", "settings", "verified"),
    [
        ("generic", {"email_verified": True}, {}, True),
        ("generic", {"email_verified": "true"}, {}, False),
        ("generic", {"email_verified": 1}, {}, False),
        ("generic", {"email_verified": [True]}, {}, False),
        ("generic", {"email_verified": ...}, {}, False),
        ("generic", {"email_verified": False}, {"verified_email_domains": ("example.test",)}, False),
        ("generic", {"email_verified": ...}, {"verified_email_domains": ("example.test",)}, True),
        ("generic", {"email_verified": ...}, {"verified_email_domains": ("ample.test",)}, False),
        (
            "generic",
            {"email": "ada@a.example.test", "email_verified": ...},
            {"verified_email_domains": ("example.test",)},
            False,
        ),
        ("generic", {"mail": "eve@other.test"}, {"email": "mail"}, False),
        ("entra", {"email_verified": True}, {}, False),
        ("entra", {"xms_edov": True}, {}, True),
        ("entra", {"xms_edov": 1}, {}, True),
        ("entra", {"xms_edov": "1"}, {}, False),
        ("entra", {"xms_edov": False}, {}, False),
        ("google", {}, {}, True),
        ("google", {"email": "ada@elsewhere.test"}, {}, False),
    ],
)
def test_an_address_is_verified_only_by_who_may_say_so(
    preset: str, claims: dict[str, Any], settings: dict[str, Any], verified: bool
) -> None:
    assert read(preset, claims, **settings).email_is_verified is verified


@pytest.mark.parametrize(
    "address",
    [..., None, "", 7, "ada", "ada@", "@example.test", "a@b@c.test", "a da@x.test", "a@x.test\n", "a@\u0435x.test"],
)
def test_what_is_no_address_is_none(address: object) -> None:
    found = read(claims={"email": address})
    assert (found.email, found.email_is_verified) == (None, False)


def test_a_name_is_for_reading_and_cannot_break_a_line_or_turn_it_round() -> None:
    assert read(claims={"name": "Ada\r\n\u202eExample "}).name == "AdaExample"
    assert read(claims={"name": 7, "preferred_username": "ada"}).name == "ada"
    assert read().name == "00u-person"
    assert len(read(claims={"name": "x" * 999}).name) == 200


def test_attributes_are_the_plain_claims_that_have_no_meaning_of_their_own() -> None:
    plain = {"department": "Ops", "level": 3, "contractor": False, "roles": ["a", "b"]}
    odd = {"mixed": ["a", 1], "deep": {"a": "b"}, "share": 0.5, "nothing": None, "broken": "a\x00b", "acr": "2"}
    claims = {**plain, **odd, "nonce": "n"}
    found = read(claims=claims).attributes
    assert found == {
        "sub": ("00u-person",),
        "department": ("Ops",),
        "level": ("3",),
        "contractor": ("false",),
        "roles": ("a", "b"),
    }


def test_methods_and_the_time_of_authentication_are_carried_over() -> None:
    found = read(claims={"acr": "urn:example:mfa", "amr": ["pwd", "mfa"], "acrs": ["c1"], "auth_time": 1_795_435_200})
    assert found.authn_methods == ("urn:example:mfa", "pwd", "mfa", "c1")
    assert found.authenticated_at == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert read(claims={"amr": {"pwd": 1}}).authn_methods == ()
