# ruff: noqa: F811 - fixtures are named where they are asked for
"""`fedbridge` in a company's network: which proxy is asked, what it sees, and what is asked directly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from cli_network_fixtures import ask, authority, bridge, no_network_of_this_machine, words_of  # noqa: F401 - fixtures
from fake_bridge import FakeBridge, put_session
from network_factories import Authority, CompanyProxy, company_proxy, tls_before

from federation_bridge.cli.proxy import Proxy, proxy_for

NAME = "https://aws.example.com"


@pytest.fixture
def front(bridge: FakeBridge, authority: Authority) -> Iterator[int]:
    port = int(bridge.address.rpartition(":")[2])
    bridge.address = NAME
    with tls_before(port, authority.certified("aws.example.com")) as listening:
        yield listening


@pytest.fixture
def proxy(front: int) -> Iterator[CompanyProxy]:
    with company_proxy(front) as made:
        yield made


# -------------------------------------------------------------------------------------------------------------- proxy


def test_a_session_is_renewed_and_used_through_a_proxy_that_sees_no_token(
    bridge: FakeBridge, authority: Authority, proxy: CompanyProxy, tmp_path: Path
) -> None:
    person = Person(tmp_path / "home", NAME)
    person.variables |= {"HTTPS_PROXY": proxy.address, "FEDBRIDGE_CA_BUNDLE": str(authority.file)}
    put_session(person.home, bridge)
    status, out, words = person.run("whoami")
    assert (status, "Ada Moss" in out) == (0, True), words
    assert bridge.paths() == ["/.well-known/oauth-authorization-server", "/oauth/token", "/api/v1/me"]
    assert [line.split()[:2] for line in proxy.asked] == [["CONNECT", "aws.example.com:443"]] * 3
    secrets = (b"refresh-0", b"access-1", b"DPoP", b"/oauth/token", b"Ada Moss")
    assert [secret for secret in secrets if secret in proxy.seen] == []


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_proxy_is_taken_from_the_variables_that_other_programs_read(
    authority: Authority, proxy: CompanyProxy, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    monkeypatch.setenv(name, proxy.address.replace("http://", scheme))
    assert ask(NAME, FEDBRIDGE_CA_BUNDLE=str(authority.file)) == 200
    assert proxy.asked[0].startswith("CONNECT aws.example.com:443 ")


def test_a_proxy_gets_the_name_and_password_of_its_address_and_the_bridge_does_not(
    bridge: FakeBridge, front: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with company_proxy(front, password="ada:p@ss word/") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:p%40ss%20word%2F@127.0.0.1:{proxy.port}")
        assert ask(NAME, FEDBRIDGE_CA_BUNDLE=str(authority.file)) == 200
        assert proxy.given != [""]
    assert len(bridge.asked) == 1


def test_a_proxy_that_wants_a_password_is_told_apart_and_no_password_is_repeated(
    front: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with company_proxy(front, password="ada:right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:wrong@127.0.0.1:{proxy.port}")
        words = words_of(NAME)
    assert f"The proxy 127.0.0.1:{proxy.port} asks who you are" in words
    assert "wrong" not in words
    assert "wrong" not in repr(Proxy("http://ada:wrong@127.0.0.1:1"))


@pytest.mark.parametrize("refusal", ["502 Bad Gateway", "403 Not for \x1b[2J you"])
def test_a_proxy_that_refuses_is_named_with_its_own_words_made_harmless(
    front: int, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    with company_proxy(front, refuses=refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        words = words_of(NAME)
    assert f"The proxy 127.0.0.1:{proxy.port} does not lead to {NAME}: {refusal[:3]}" in words
    assert words.isprintable()


def test_a_proxy_that_is_not_there_is_named_and_not_the_bridge(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port}")
    assert f"The proxy 127.0.0.1:{free_port} cannot be reached: Connection refused" in words_of(NAME)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    assert "The proxy proxy.example.com:3128 cannot be reached" in words_of(NAME)


@pytest.mark.parametrize("url", ["https://127.0.0.1:3128", "socks5://127.0.0.1:1080", "socks5h://a:b@127.0.0.1:1080"])
def test_a_proxy_of_another_kind_is_refused_before_anything_is_sent_to_it(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    assert "cannot use a proxy of this kind" in words_of(NAME)


@pytest.mark.parametrize(
    ("no_proxy", "address", "direct"),
    [
        ("aws.example.com", NAME, True),
        ("example.com", NAME, True),
        (".example.com", NAME, True),
        ("other.test, Example.COM", NAME, True),
        ("*", NAME, True),
        ("aws.example.com:8443", "https://aws.example.com:8443", True),
        ("aws.example.com:8443", NAME, False),
        ("ample.com", NAME, False),
        ("example.org", NAME, False),
        ("", NAME, False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("10.0.0.0/8,192.0.2.1", "https://11.1.2.3", False),
        ("fd00::/8", "https://[fd00::1]", True),
        ("10.0.0.0/8", NAME, False),
    ],
)
def test_what_no_proxy_names_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, address: str, direct: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, no_proxy)
        assert (proxy_for(address) is None) is direct
        monkeypatch.delenv(name)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.3.4.5"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_never_takes_the_proxy(monkeypatch: pytest.MonkeyPatch, scheme: str, host: str) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    assert proxy_for(f"{scheme}://{host}:5000") is None


def test_a_bridge_on_loopback_is_asked_directly_whatever_is_set(
    bridge: FakeBridge, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port}")
    assert ask(bridge.address) == 200


# --------------------------------------------------------------------------------------------------------- plain HTTP


def test_plain_http_to_another_computer_is_refused_before_anything_is_sent(tmp_path: Path, proxy: CompanyProxy) -> None:
    person = Person(tmp_path / "home", NAME)
    person.variables |= dict.fromkeys(("http_proxy", "HTTPS_PROXY", "ALL_PROXY"), proxy.address)
    status, out, words = person.run("login", "http://aws.example.com", "--device")
    assert (status, out, "https address" in words) == (2, "", True), words
    assert proxy.asked == []
