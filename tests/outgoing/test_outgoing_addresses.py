"""Where we may go: which addresses are dialled, for whom, and that no name and no redirect leads elsewhere."""

from __future__ import annotations

import http.server
import ipaddress
from datetime import timedelta
from pathlib import Path

import pytest
from outgoing_factories import LOOPBACK, from_table, saying, serving

from federation_bridge.errors import ProviderUnreachable
from federation_bridge.outgoing import Outgoing, is_allowed


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/_x",
        "http://example.com/",
        "http://93.184.215.14/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://168.63.129.16/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[64:ff9b:1::1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://user@8.8.8.8/",
        "https://user:pw@8.8.8.8/",
        "https://8.8.8.8/#fragment",
        "https://8.8.8.8:22/",
        "https://8.8.8.8:0/",
        "https://8.8.8.8:99999/",
        "https://8.8.8.8:x/",
        "https://ex\tample.com/",
        "https://example.com/\n",
        " https://example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://ex ample.com/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://example..com/",
        "https://-example.com/",
        "https:///x",
        "https://",
        "//example.com/",
        "",
    ],
)
def test_an_address_that_no_honest_document_names_is_never_dialled(url: str) -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    with pytest.raises(ProviderUnreachable):
        Outgoing(timeout=timedelta(seconds=1), resolve=resolve).fetch(url)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"])
def test_a_clouds_credential_service_is_refused_whatever_networks_a_connection_names(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), ("0.0.0.0/0", "::/0"))


def test_a_private_network_is_open_to_the_connection_that_names_it_and_to_no_other() -> None:
    address = ipaddress.ip_address("10.1.2.3")
    assert is_allowed(address, ("10.1.0.0/16",))
    assert not is_allowed(address, ("10.2.0.0/16", "127.0.0.0/8"))


def test_a_name_that_points_inside_is_refused() -> None:
    outgoing = Outgoing(resolve=from_table(idp__example__com="10.0.0.1"))
    with pytest.raises(ProviderUnreachable, match="may reach"):
        outgoing.fetch("https://idp.example.com/")


def test_only_the_addresses_that_passed_are_dialled() -> None:
    with serving(saying()) as port:
        outgoing = Outgoing(resolve=from_table(idp__example__com="10.9.9.9,127.0.0.1"))
        assert outgoing.fetch(f"http://idp.example.com:{port}/", networks=LOOPBACK).body == b"hello"


def test_a_name_is_looked_up_once_so_that_it_cannot_point_elsewhere_afterwards() -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with serving(saying()) as port:
        outgoing = Outgoing(resolve=rebinding)
        assert outgoing.fetch(f"http://idp.example.com:{port}/", networks=LOOPBACK).status == 200
    assert asked == ["idp.example.com"]


def test_http_is_spoken_only_to_this_machine_and_only_where_the_connection_names_it() -> None:
    with serving(saying()) as port:
        url = f"http://127.0.0.1:{port}/"
        assert Outgoing().fetch(url, networks=LOOPBACK).body == b"hello"
        for networks in ((), ("10.0.0.0/8",)):
            with pytest.raises(ProviderUnreachable):
                Outgoing().fetch(url, networks=networks)
        named = Outgoing(resolve=from_table(idp__example__com="10.0.0.1"))
        with pytest.raises(ProviderUnreachable, match="only https"):
            named.fetch("http://idp.example.com/", networks=("10.0.0.0/8",))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    visits: list[str] = []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        visits.append(request.path)
        saying(b"", status, Location="/elsewhere")(request)

    with serving(answer) as port, pytest.raises(ProviderUnreachable, match="redirect"):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)
    assert visits == ["/"]


def test_no_proxy_and_no_key_log_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("http_proxy", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with serving(saying()) as port:
        assert Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK).status == 200
    assert not (tmp_path / "keys").exists()
