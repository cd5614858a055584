# ruff: noqa: F811 - fixtures are named where they are asked for
"""How the local AWS is started: its state file, its tables of issuers and thumbprints, and where it listens."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_aws_factories import ServedAws, allow, session, signer
from local_aws_fixtures import iam, served_aws  # noqa: F401 - fixtures

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.start import StartOptions, issuer_table, started, thumbprint_table
from federation_bridge.sandbox.aws.state import State
from federation_bridge.sandbox.aws.state_file import read_state, write_state


def test_accounts_come_back_from_their_file(served_aws: ServedAws, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    provisioning.put_oidc_provider(served_aws.local.state, served_aws.account, "https://issuer.example.test", ["a"])
    provisioning.change_saml_provider(
        served_aws.local.state, served_aws.account, "bridge", add_private_key=signer("decrypts").private_pem.decode()
    )
    served_aws.user("operator", allow("s3:*"))
    write_state(path, served_aws.local.state)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = State(served_aws.clock)
    read_state(path, again)
    assert again.accounts == served_aws.local.state.accounts
    assert again.access_keys == served_aws.local.state.access_keys
    assert again.buckets == served_aws.local.state.buckets


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"accounts": {"x": 1}}', "\x00"])
def test_a_file_that_is_no_state_is_refused(text: str, tmp_path: Path, served_aws: ServedAws) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationInvalid):
        read_state(path, State(served_aws.clock))


def test_a_change_made_over_iam_survives_a_restart(tmp_path: Path) -> None:
    options = StartOptions(
        state=tmp_path / "state.json", accounts=("111122223333",), issuers=("https://a.test=http://127.0.0.1:1",)
    )
    first = started(options)
    (key,) = first.local.state.access_keys.values()
    iam = _client_of("iam", first.address, key.id, key.secret)
    iam.create_user(UserName="operator")
    first.stop()
    second = started(options)
    assert second.local.issuers == {"https://a.test": "http://127.0.0.1:1"}
    assert _client_of("iam", second.address, key.id, key.secret).get_user(UserName="operator")["User"]
    assert any(key.secret in line for line in second.lines)
    second.stop()


def _client_of(service: str, address: str, identifier: str, secret: str) -> Any:
    return session().client(service, endpoint_url=address, aws_access_key_id=identifier, aws_secret_access_key=secret)


@pytest.mark.parametrize(
    "pair",
    ["x", "http://a.test=http://127.0.0.1:1", "https://a.test=http://10.0.0.1:1", "https://a.test=https://127.0.0.1"],
)
def test_an_issuer_is_https_and_answers_on_this_machine(pair: str) -> None:
    with pytest.raises(ConfigurationInvalid):
        issuer_table((pair,))


@pytest.mark.parametrize("pair", ["x", f"http://a.test={'a' * 40}", f"https://a.test={'a' * 39}", "https://a.test="])
def test_a_thumbprint_is_forty_hex_digits_of_an_https_issuer(pair: str) -> None:
    assert thumbprint_table((f"https://a.test={'a' * 40}",)) == {"https://a.test": "a" * 40}
    with pytest.raises(ConfigurationInvalid):
        thumbprint_table((pair,))


def test_it_listens_beyond_loopback_only_when_told_so() -> None:
    with pytest.raises(ConfigurationInvalid):
        started(StartOptions(host="0.0.0.0"))


def test_an_account_number_has_twelve_digits() -> None:
    with pytest.raises(ConfigurationInvalid):
        started(StartOptions(accounts=("12",)))


def test_client_errors_are_what_boto3_expects(served_aws: ServedAws, iam: Any) -> None:
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="Nobody")
    with pytest.raises(served_aws.sts().exceptions.ExpiredTokenException):
        served_aws.assume(served_aws.message(valid_for=timedelta(seconds=-1)))
    with pytest.raises(ClientError):
        served_aws.assume(SAMLAssertion="x")
