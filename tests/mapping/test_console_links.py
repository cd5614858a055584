"""Links of the register to pages of the console: of one account or of all, and never to anywhere else."""

from __future__ import annotations

import pytest
from mapping_factories import REGISTER_TEXT

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import load_register

FIRST, SECOND = "111111111111", "222222222222"


def with_links(links: str) -> str:
    """A register whose first account, of partition aws in eu-central-1, has these links."""
    return REGISTER_TEXT.replace("    region: eu-central-1\n", f"    region: eu-central-1\n    links: {links}\n", 1)


def named(written: str, account: str = FIRST) -> list[tuple[str, str]]:
    return [(one.name, one.page) for one in load_register(written).accounts[account].links]


def test_a_link_is_a_path_or_an_address_of_the_partitions_console() -> None:
    page = "https://eu-west-1.console.aws.amazon.com/sqs/v3/home?region=eu-west-1#/queues"
    assert named(with_links(f"[{{name: Buckets, page: /s3/buckets}}, {{name: Queues, page: '{page}'}}]")) == [
        ("Buckets", "/s3/buckets"),
        ("Queues", page),
    ]
    assert named(REGISTER_TEXT) == []


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "http://eu-west-1.console.aws.amazon.com/s3",
        "https://console.aws.amazon.com@evil.example/",
        "https://console.aws.amazon.com.evil.example/",
        "https://console.amazonaws.cn/s3",
        "//evil.example/s3",
        "/\\\\evil.example",
        "javascript:alert(1)",
        "s3/buckets",
    ],
)
def test_l05_a_link_to_anywhere_else_is_refused_with_its_line(page: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"line 8: .* is no page of the console of partition aws"):
        load_register(with_links(f'[{{name: X, page: "{page}"}}]'))


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        ("[]", "must not be empty"),
        ("[{name: X}]", "`page`"),
        ("[{name: X, page: /s3, to: /s3}]", "to"),
        ("[{name: X, page: /s3}, {name: x, page: /sqs}]", "two links are named"),
        (f"[{{name: {'x' * 65}, page: /s3}}]", "at most 64 characters"),
        (f"[{{name: X, page: /{'x' * 1000}}}]", "at most 1000 characters"),
        ("[" + ", ".join(f"{{name: N{n}, page: /s3}}" for n in range(21)) + "]", "at most 20 links"),
    ],
)
def test_a_mistaken_link_is_refused_with_its_reason(links: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=reason):
        load_register(with_links(links))


def test_links_of_all_accounts_stand_behind_an_accounts_own_and_yield_to_its_names() -> None:
    of_all = "links: [{name: Logs, page: /cloudwatch/home}, {name: Queues, page: /sqs}]\naccounts:"
    written = with_links("[{name: logs, page: /own}]").replace("accounts:", of_all, 1)
    assert named(written) == [("logs", "/own"), ("Queues", "/sqs")]
    assert named(written, SECOND) == [("Logs", "/cloudwatch/home"), ("Queues", "/sqs")]


def test_a_link_of_all_accounts_is_a_path_whatever_the_partition() -> None:
    written = REGISTER_TEXT.replace(
        "accounts:", "links: [{name: X, page: 'https://console.aws.amazon.com/s3'}]\naccounts:", 1
    )
    with pytest.raises(ConfigurationInvalid, match="is a path such as /s3/buckets"):
        load_register(written)
