"""The same day with each kind of identity provider, and with each way of talking to it that a setting offers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from federation_bridge.operate import export, preparation
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import ANALYTICS, CLIENT_ID, PRODUCTION
from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.styles import StyleName, object_id
from federation_bridge.sandbox.scripted_user import ScriptedUser, caller_arn
from federation_bridge.signing import Purpose

ADMINISTRATOR = f"{PRODUCTION}/Administrator"


def edited(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """An edit of the settings file that fails where the text to change is not there."""

    def edit(text: str) -> str:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        return text

    return edit


def sign_in_and_work(company: Company, connection: str) -> ScriptedUser:
    ada = ScriptedUser(company, "ada")
    page = ada.sign_in(connection)
    assert page.url == f"{company.bridge}/", page.words
    credentials = ada.credentials(ADMINISTRATOR)
    assert caller_arn(company, credentials) == credentials.assumed_role_arn
    return ada


PRESETS: list[tuple[StyleName, tuple[tuple[str, str], ...]]] = [
    ("okta", ()),
    ("entra", (("preset: okta", "preset: entra"), ("    subject: id\n", ""))),
    ("google", (("preset: okta", "preset: google"), ("    subject: id\n", "    subject_kind: email\n"))),
]


@pytest.mark.parametrize(("style", "changes"), PRESETS, ids=[style for style, _ in PRESETS])
def test_each_products_saml_answer_signs_in(
    tmp_path: Path, style: StyleName, changes: tuple[tuple[str, str], ...]
) -> None:
    with open_company(tmp_path, in_this_process=True, style=style, edit_settings=edited(*changes)) as company:
        ada = sign_in_and_work(company, "company")
        person = ada.call_api("GET", "/me").json()["person"]
        if style == "entra":
            assert object_id(ada.person) in person


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_our_request_is_believed_by_either_binding(tmp_path: Path, binding: str) -> None:
    edit = edited(("    subject: id\n", f"    subject: id\n    request_binding: {binding}\n"))
    with open_company(tmp_path, in_this_process=True, edit_settings=edit) as company:
        sign_in_and_work(company, "company")


def test_an_encrypted_assertion_signs_in_and_a_plain_one_does_not_where_encryption_is_required(tmp_path: Path) -> None:
    edit = edited(("    subject: id\n", "    subject: id\n    encryption: required\n"))
    with open_company(tmp_path, in_this_process=True, edit_settings=edit) as company:
        dan = ScriptedUser(company, "dan")
        assert dan.sign_in("company").status == 403
        metadata = dan.open("/sign-in/company/metadata").body.encode()
        company.provider.register_service_provider(metadata, encrypts=True)
        sign_in_and_work(company, "company")


def test_the_codes_answer_may_come_as_a_form(tmp_path: Path) -> None:
    edit = edited(("    client_id:", "    response_mode: form_post\n    client_id:"))
    with open_company(tmp_path, in_this_process=True, edit_settings=edit) as company:
        sign_in_and_work(company, "company-oidc")


def test_the_bridge_proves_itself_by_a_key_instead_of_a_secret(tmp_path: Path) -> None:
    edit = edited(("    client_secret: {file: client-secret}\n", ""))
    with open_company(tmp_path, in_this_process=True, edit_settings=edit) as company:
        redirect_uri = f"{company.bridge}/sign-in/company-oidc/oidc"
        preparation.prepare(company.settings)
        shown = export.public_keys(company.settings)[Purpose.CLIENT_ASSERTION.value]
        keys = {"keys": [one["jwk"] for one in shown]}
        company.provider.register_client(OidcClient(CLIENT_ID, (redirect_uri,), keys=keys))
        sign_in_and_work(company, "company-oidc")


def test_a_wrong_client_secret_signs_nobody_in(tmp_path: Path) -> None:
    with open_company(tmp_path, in_this_process=True) as company:
        redirect_uri = f"{company.bridge}/sign-in/company-oidc/oidc"
        company.provider.register_client(OidcClient(CLIENT_ID, (redirect_uri,), secret="another"))
        ada = ScriptedUser(company, "ada")
        assert ada.sign_in("company-oidc").status in (403, 502)
        assert ada.roles() == []
        assert ANALYTICS not in ada.open().body
