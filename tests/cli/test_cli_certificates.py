# ruff: noqa: F811 - fixtures are named where they are asked for
"""`fedbridge` and certificates: whose authorities it trusts, and what it says of what is wrong with one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cli_factories import Person
from cli_network_fixtures import ask, authority, bridge, no_network_of_this_machine, words_of  # noqa: F401 - fixtures
from fake_bridge import FakeBridge
from network_factories import Authority, self_signed, tls_before

from federation_bridge.cli import http_client


@pytest.fixture
def https(bridge: FakeBridge, authority: Authority) -> Iterator[str]:
    with tls_before(int(bridge.address.rpartition(":")[2]), authority.certified("127.0.0.1")) as listening:
        yield f"https://127.0.0.1:{listening}"


@pytest.mark.parametrize("place", range(4))
def test_the_authorities_are_those_of_the_first_variable_that_is_set(
    https: str, authority: Authority, tmp_path: Path, place: int
) -> None:
    ours, other = str(authority.file), str(Authority(tmp_path, "Another authority").file)
    names = http_client._CA_VARIABLES
    assert names == ("FEDBRIDGE_CA_BUNDLE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    unset, later = dict.fromkeys(names[:place], ""), names[place + 1 :]
    assert ask(https, **unset, **{names[place]: ours}, **dict.fromkeys(later, other)) == 200
    assert "not trusted here" in words_of(https, **unset, **{names[place]: other}, **dict.fromkeys(later, ours))


def test_a_private_authority_is_not_trusted_unasked_and_the_sentence_names_the_variable(https: str) -> None:
    assert "set FEDBRIDGE_CA_BUNDLE to its file" in words_of(https)


def _expired(authority: Authority, _: Path) -> Path:
    return authority.certified("127.0.0.1", timedelta(hours=-1))


def _not_yet(authority: Authority, _: Path) -> Path:
    return authority.certified("127.0.0.1", timedelta(days=90))


def _other_host(authority: Authority, _: Path) -> Path:
    return authority.certified("aws.example.org")


def _other_address(authority: Authority, _: Path) -> Path:
    return authority.certified("127.0.0.2")


def _of_itself(_: Authority, folder: Path) -> Path:
    return self_signed(folder, "127.0.0.1")


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (_expired, "is not valid now (certificate has expired). Is this computer's clock right?"),
        (_not_yet, "is not valid now (certificate is not yet valid)"),
        (_other_host, "has a certificate for another host"),
        (_other_address, "has a certificate for another host"),
        (_of_itself, "is not trusted here (self-signed certificate). If your company has its own authority"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said_with_what_to_do(
    bridge: FakeBridge, authority: Authority, tmp_path: Path, made, sentence: str
) -> None:
    with tls_before(int(bridge.address.rpartition(":")[2]), made(authority, tmp_path)) as listening:
        words = words_of(f"https://127.0.0.1:{listening}", FEDBRIDGE_CA_BUNDLE=str(authority.file))
    assert sentence in words
    assert bridge.asked == []


@pytest.mark.parametrize(("name", "text"), [("missing.pem", None), ("empty.pem", ""), ("words.pem", "no certificate")])
def test_a_file_of_authorities_that_holds_none_is_named_with_its_variable(
    https: str, tmp_path: Path, name: str, text: str | None
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    words = words_of(https, AWS_CA_BUNDLE=str(tmp_path / name))
    assert words.startswith(
        f"AWS_CA_BUNDLE names {tmp_path / name}, which is not a readable file of certificates (PEM)"
    )


def test_a_folder_without_authorities_trusts_nobody(https: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "not trusted here" in words_of(https, REQUESTS_CA_BUNDLE=str(tmp_path / "empty"))


def test_what_speaks_no_tls_is_not_believed(bridge: FakeBridge) -> None:
    address = bridge.address.replace("http://", "https://")
    assert f"{address} cannot be reached" in words_of(address)


def test_no_variable_switches_the_checks_off(https: str, tmp_path: Path) -> None:
    person = Person(tmp_path, https)
    person.variables |= {
        "PYTHONHTTPSVERIFY": "0",
        "NODE_TLS_REJECT_UNAUTHORIZED": "0",
        "GIT_SSL_NO_VERIFY": "true",
        "CURL_CA_BUNDLE": "",
        "REQUESTS_CA_BUNDLE": "",
        "AWS_CA_BUNDLE": "",
        "FEDBRIDGE_CA_BUNDLE": "",
        "SSL_VERIFY": "0",
        "SSL_NO_VERIFY": "1",
        "INSECURE": "1",
        "PYTHONWARNINGS": "ignore",
        "SSL_CERT_FILE": "",
    }
    process = person.start_command([sys.executable, "-m", "federation_bridge.cli", "login", https, "--device"])
    out, words = process.communicate(timeout=60)
    assert (process.returncode, out, "not trusted here" in words) == (6, "", True), words
    assert words.count("\n") == 1
