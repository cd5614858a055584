"""Attack L05: a console link or form that leads anywhere but to the partition's own console."""

from __future__ import annotations

import pytest

from federation_bridge.aws.console import checked_destination
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.errors import BadRequest

HONEST = "https://eu-central-1.console.aws.amazon.com/s3/home"

ELSEWHERE = [
    "https://example.com/",
    "https://console.aws.amazon.com.example.com/",
    "https://eu-central-1.console.aws.amazon.com.example.com/",
    "https://example.com/console.aws.amazon.com",
    "https://example.com?x=.console.aws.amazon.com",
    "https://example.com#.console.aws.amazon.com",
    "https://example.com#@console.aws.amazon.com/",
    "https://evilconsole.aws.amazon.com/",
    "https://evil-console.aws.amazon.com/",
    "https://aws.amazon.com/",
    "https://signin.aws.amazon.com/oauth?Action=logout",
    "https://.console.aws.amazon.com/",
    "https://a.b.console.aws.amazon.com/",
    "https://..console.aws.amazon.com/",
    "https://-a.console.aws.amazon.com/",
    "https://1.console.aws.amazon.com/",
    "https://12345-ab.us-east-1.console.aws.amazon.com/",
    "https://x@console.aws.amazon.com/",
    "https://console.aws.amazon.com@example.com/",
    "https://console.aws.amazon.com:443@example.com/",
    "https://user:password@console.aws.amazon.com/",
    "https://console.aws.amazon.com:443/",
    "https://console.aws.amazon.com:8443/",
    "https://console.aws.amazon.com:/",
    "https://console.aws.amazon.com./",
    "https://CONSOLE.AWS.AMAZON.COM/",
    "https://console.aws.amazon.com\\@example.com/",
    "https:\\\\console.aws.amazon.com/",
    "https://example.com\\.console.aws.amazon.com/",
    "https://console.aws.amazon.com\t.example.com/",
    "https://console.aws.amazon.com/\r\nSet-Cookie: a=b",
    "https://console.aws.amazon.com/\x00",
    "https://console.aws.amazon.com/\x7f",
    " https://console.aws.amazon.com/",
    "\thttps://console.aws.amazon.com/",
    "https://console.aws.amazon.com/ x",
    "https://con\u0455ole.aws.amazon.com/",
    "https://console\u3002aws\u3002amazon\u3002com/",
    "https://console.aws.amazon.com%2eexample.com/",
    "https://console.aws.amazon.com%00.example.com/",
    "https://[::1].console.aws.amazon.com/",
    "https://[console.aws.amazon.com/",
    "http://console.aws.amazon.com/",
    "javascript://console.aws.amazon.com/%0aalert(1)",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://console.aws.amazon.com/",
    "//console.aws.amazon.com/",
    "//example.com/",
    "/\\example.com/",
    "\\\\example.com",
    "https:console.aws.amazon.com",
    "https:/console.aws.amazon.com",
    "https:///console.aws.amazon.com",
    "console.aws.amazon.com",
    "https://",
    "https://console.amazonaws.cn/",
    "https://console.amazonaws-us-gov.com/",
    "https://eusc-de-east-1.console.amazonaws-eusc.eu/",
    "https://console.aws.amazon.com/" + "a" * 2048,
]


@pytest.mark.parametrize("text", ELSEWHERE)
def test_a_page_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        checked_destination(PARTITIONS["aws"], text, "eu-central-1")


def test_the_honest_twin_is_taken() -> None:
    assert checked_destination(PARTITIONS["aws"], HONEST, "eu-central-1") == HONEST


def test_a_partition_without_a_global_console_has_no_page_there() -> None:
    with pytest.raises(BadRequest):
        checked_destination(PARTITIONS["aws-eusc"], "https://console.amazonaws-eusc.eu/", "eusc-de-east-1")


@pytest.mark.parametrize("path", ["/@example.com/", "/.example.com", "/:8080/x", "/%2f%2fexample.com"])
def test_a_path_never_becomes_part_of_the_host(path: str) -> None:
    assert checked_destination(PARTITIONS["aws"], path, "eu-central-1").startswith(
        "https://eu-central-1.console.aws.amazon.com/"
    )
