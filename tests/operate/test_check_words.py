"""What `federation-bridge check` says of a connection: what refuses everybody is wrong, and says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from openid_provider import OpenIdProvider
from saml_factories import IDP, NOW, idp_signer
from web_factories import write_files

from federation_bridge.errors import ProviderUnreachable
from federation_bridge.operate import commands
from federation_bridge.outgoing import Fetched, Outgoing
from federation_bridge.sandbox.identity_provider import saml_message as made

ISSUER = "https://idp.example.com"
METADATA = "https://saml.example.com/metadata"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> OpenIdProvider:
    """Stands at ISSUER; a SAML provider's metadata stands beside it, and nobody answers anywhere else."""
    found = OpenIdProvider(ISSUER, {}, lambda: NOW)

    def fetch(_: Outgoing, url: str, **__: Any) -> Fetched:
        if url == METADATA:
            return Fetched(200, {}, made.metadata_xml(IDP, "https://saml.example.com/sso", [idp_signer()]))
        if not url.startswith(ISSUER):
            raise ProviderUnreachable(f"{url}: nobody answers")
        return Fetched(*_of(found.respond("GET", url, {}, b"")))

    monkeypatch.setattr(Outgoing, "fetch", fetch)
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")
    return found


def _of(answer: tuple[int, bytes]) -> tuple[int, Mapping[str, str], bytes]:
    return answer[0], {"content-type": "application/json"}, answer[1]


def check(folder: Path, **connection: Any) -> tuple[list[str], int]:
    """The lines about connections and settings, and the exit status, with this one connection."""
    file = write_files(folder)
    written = yaml.safe_load(file.read_text())
    oidc = {"protocol": "oidc", "issuer": ISSUER, "client_id": "bridge", "title": "Corporate account"}
    secret = {"client_secret": {"environment": "TEST_CLIENT_SECRET"}}
    chosen = connection if connection.get("protocol") == "saml" else {**oidc, **secret, **connection}
    written["connections"] = {"corp": {name: value for name, value in chosen.items() if value is not None}}
    file.write_text(yaml.safe_dump(written))
    result = CliRunner().invoke(commands.commands, ["check", "--settings", str(file)])
    return [line for line in result.output.splitlines() if "corp" in line and " rule " not in line], result.exit_code


def test_a_connection_that_fits_its_provider_is_ok(provider: OpenIdProvider, tmp_path: Path) -> None:
    assert check(tmp_path) == (["ok       connection corp: Corporate account"], 0)


def test_what_refuses_everybody_is_wrong_told_once_and_says_how_it_differs(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    (line,), status = check(tmp_path, issuer=f"{ISSUER}/")
    assert status == 1
    assert line.startswith("wrong    connection corp: nobody can sign in: ")
    assert f"`issuer` says '{ISSUER}/', found is '{ISSUER}': they differ by a slash at the end" in line


def test_no_common_way_to_authenticate_is_wrong_and_says_what_would_be_right(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    provider.discovery["token_endpoint_auth_methods_supported"] = ["private_key_jwt"]
    (line,), status = check(tmp_path)
    assert status == 1
    assert "offers private_key_jwt, and with these settings we authenticate by client_secret_post" in line
    assert "leave `client_secret` out" in line


def test_a_provider_that_is_down_is_a_warning(provider: OpenIdProvider, tmp_path: Path) -> None:
    lines, status = check(tmp_path, issuer="https://down.example.com")
    assert status == 0
    assert lines
    assert all(line.startswith("warning ") and "nobody answers" in line for line in lines)


@pytest.mark.parametrize(
    ("offered", "mode", "told"),
    [
        (["query"], "form_post", "`response_mode` is form_post, and the provider offers query only; leave"),
        (None, "form_post", "offers query, fragment only"),
        (["form_post"], "query", "`response_mode` is query, and the provider offers form_post only"),
    ],
)
def test_a_way_back_that_the_provider_does_not_offer_is_a_warning(
    provider: OpenIdProvider, tmp_path: Path, offered: list[str] | None, mode: str, told: str
) -> None:
    provider.discovery["response_modes_supported"] = offered
    (line,), status = check(tmp_path, response_mode=mode)
    assert (line.startswith("warning "), status) == (True, 0)
    assert told in line
    provider.discovery["response_modes_supported"] = [mode]
    assert check(tmp_path, response_mode=mode)[0] == ["ok       connection corp: Corporate account"]


def test_a_key_that_the_provider_has_to_know_is_named_with_how_to_get_it(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    (note, ok), status = check(tmp_path, client_secret=None)
    assert (note.startswith("note     connection corp: "), ok.startswith("ok "), status) == (True, True, 0)
    assert "`federation-bridge keys show` prints it under `client-assertion`" in note
    (only,), _ = check(tmp_path, client_secret=None, public_client=True)
    assert only.startswith("ok ")


def test_another_entity_id_is_wrong_and_named(provider: OpenIdProvider, tmp_path: Path) -> None:
    saml = {"protocol": "saml", "title": "Company", "metadata_url": METADATA, "subject": "uid"}
    (line,), status = check(tmp_path, **saml, idp_entity_id=f"{IDP}/")
    assert (line.startswith("wrong "), status) == (True, 1)
    assert f"`idp_entity_id` says '{IDP}/', found is '{IDP}': they differ by a slash at the end" in line
    lines, status = check(tmp_path, **saml, idp_entity_id=IDP)
    assert (status, any("nobody can sign in" in one for one in lines)) == (0, False)


def test_a_secret_given_as_text_is_told_without_it(provider: OpenIdProvider, tmp_path: Path) -> None:
    (line,), status = check(tmp_path, client_secret="hunter2")
    assert status == 1
    assert "connections.corp.client_secret: is a secret, which never stands in this file: write `{file: PATH}`" in line
    assert "hunter2" not in line
