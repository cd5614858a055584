"""The condition on the network from which a person asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Network, ip_network
from typing import Any, ClassVar, Self

from federation_bridge.addresses import Networks, read_address
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.document import Node, items, refuse, text
from federation_bridge.mapping.verdicts import Facts, Verdict, no, unknown, yes
from federation_bridge.sentence import Sentence


@dataclass(frozen=True, slots=True)
class FromNetwork(Condition):
    """The request comes from one of these networks. Not known where something in front may hide who asks."""

    name: ClassVar[str] = "source_network"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "string", "minLength": 1},
    }
    networks: tuple[str, ...]
    _compiled: Networks = field(compare=False, repr=False)

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `source_network: [192.0.2.0/24, "2001:db8::/32"]`."""
        networks: list[str] = []
        for item in items(node, "`source_network`"):
            written = text(item, "a network")
            _check_network(item, written)
            if written in networks:
                refuse(item, "network %(written)s stands here twice", written=written)
            networks.append(written)
        return cls(tuple(networks), Networks(networks))

    def check(self, facts: Facts) -> Verdict:
        """Unknown without an address that is certain: neither inside nor provably outside."""
        address = read_address(facts.caller.source_address) if facts.caller is not None else None
        if address is None:
            return unknown(Sentence("the network from which you ask is not known"))
        if address in self._compiled:
            return yes(Sentence("you ask from %(address)s, which is in the rule's networks", address=str(address)))
        return no(Sentence("you ask from %(address)s, which is in none of the rule's networks", address=str(address)))

    def depends_on_request(self) -> bool:
        """Always: the same person may ask from elsewhere a minute later."""
        return True


def _check_network(node: Node, written: str) -> None:
    # An address without its width could be meant as one machine or as a whole network.
    if "/" not in written:
        refuse(
            node,
            "%(written)s has no prefix length: write %(address)s/32, or %(address)s/128 for IPv6",
            written=repr(written),
            address=written,
        )
    try:
        network = ip_network(written)
    except ValueError as problem:
        refuse(
            node,
            "%(written)s is not a network such as 192.0.2.0/24: %(problem)s",
            written=repr(written),
            problem=str(problem),
        )
    # Addresses are compared as IPv4 where they are (RFC 4291 2.5.5.2): such a network would never be met.
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        refuse(node, "%(written)s is an IPv4 network within IPv6: write the IPv4 network itself", written=repr(written))
    if str(network) != written:
        refuse(
            node, "network %(written)s must be written as %(which)s", written=repr(written), which=repr(str(network))
        )
