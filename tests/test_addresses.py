"""Addresses: every form in which proxies write them is one address, everything else is none."""

from __future__ import annotations

import pytest

from federation_bridge.addresses import client_of, networks_of, read_address

ADDRESSES = {
    "203.0.113.5": "203.0.113.5",
    "203.0.113.5:51008": "203.0.113.5",
    " 203.0.113.5\t": "203.0.113.5",
    '"203.0.113.5:80"': "203.0.113.5",
    "2001:DB8:0:0::1": "2001:db8::1",
    "[2001:db8::1]": "2001:db8::1",
    "[2001:db8::1]:443": "2001:db8::1",
    '"[2001:db8::1]:443"': "2001:db8::1",
    "fe80::1%eth0": "fe80::1",
    "[fe80::1%25eth0]:443": "fe80::1",
    "::ffff:203.0.113.5": "203.0.113.5",
    "[::ffff:203.0.113.5]:80": "203.0.113.5",
    "::ffff:cb00:7105": "203.0.113.5",
}
NO_ADDRESSES = (
    "",
    " ",
    '"',
    "unknown",
    "_hidden",
    "_gazonk:47",
    "localhost",
    "203.0.113.5:",
    "203.0.113.5:99999",
    "203.0.113.5:8x",
    "203.0.113.5:80:80",
    "203.0.113.5/24",
    "203.0.113.5%eth0",
    "203.0.113.005",
    "0xcb.0.113.5",
    "3405803781",
    "[203.0.113.5]:80",
    "[2001:db8::1",
    "2001:db8::1]",
    "[2001:db8::1]x",
    "[2001:db8::1]:",
    "[]",
    '"203.0.113.5',
    "203.0.113.5\n",
    "\N{FULLWIDTH DIGIT ONE}.2.3.4",
    "for=203.0.113.5",
    "unix:/run/front.sock",
    "203.0.113.5" + " " * 100_000,
    "1" * 100_000,
    ":" * 100_000,
)


@pytest.mark.parametrize(("text", "address"), ADDRESSES.items())
def test_an_address_is_read_in_every_form_that_proxies_write(text: str, address: str) -> None:
    assert str(read_address(text)) == address


@pytest.mark.parametrize("text", NO_ADDRESSES, ids=lambda text: repr(text[:30]))
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


TRUSTED = networks_of(("10.0.0.0/8", "2001:db8:ffff::/48"))
WAYS = [
    ("203.0.113.5", [], "203.0.113.5", False),
    ("::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5", False),
    ("203.0.113.5", ["198.51.100.1"], "203.0.113.5", True),
    ("10.0.0.1", ["198.51.100.1, 203.0.113.5:51008"], "203.0.113.5", True),
    ("10.0.0.1", ["203.0.113.5, [2001:db8:ffff::1]:80", "10.0.0.2:7"], "203.0.113.5", False),
    ("10.0.0.1", ["203.0.113.5, unknown"], "10.0.0.1", True),
    ("10.0.0.1", ["203.0.113.5, _x, 10.0.0.2"], "10.0.0.2", True),
    ("10.0.0.1", [""], "10.0.0.1", True),
    ("10.0.0.1", ["10.0.0.3,10.0.0.2"], "10.0.0.3", False),
    ("10.0.0.1", ["203.0.113.5," + "10.0.0.2," * 50 + "10.0.0.2"], "10.0.0.2", True),
    ("10.0.0.1", ["x" * 100_000], "10.0.0.1", True),
    ("10.0.0.1", ["x," * 50_000 + "203.0.113.5"], "203.0.113.5", True),
    ("", ["203.0.113.5"], "", True),
    ("", [], "", False),
]


@pytest.mark.parametrize(("peer", "forwarded", "address", "is_hidden"), WAYS)
def test_the_way_is_followed_as_far_as_trusted_peers_wrote_addresses(
    peer: str, forwarded: list[str], address: str, *, is_hidden: bool
) -> None:
    found = client_of(peer, forwarded, TRUSTED)
    assert (found.address, found.is_hidden) == (address, is_hidden)


def test_networks_are_compiled_once() -> None:
    assert networks_of(("10.0.0.0/8", "2001:db8:ffff::/48")) is TRUSTED
    assert read_address("10.1.2.3") in TRUSTED
    assert read_address("2001:db8:ffff:1::2") in TRUSTED
    assert read_address("11.0.0.1") not in TRUSTED
    assert None not in TRUSTED
