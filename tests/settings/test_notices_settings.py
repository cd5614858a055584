"""Section `notices`: a place that would tell in the open, or nobody, is refused with what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.settings import NOTICE_KINDS, Settings, settings_from

MAIL = {"host": "smtp.example.com", "sender": "bridge@example.com", "to": ["ops@example.com"]}
HOOK = {"url": "https://hooks.example.com/x", "secret": {"file": "key"}}


def made(**notices: Any) -> Settings:
    one = {"protocol": "saml", "title": "Company", "metadata_file": "idp.xml"}
    document = {"base_url": "https://b.example.com", "rules": "r", "accounts": "a", "connections": {"corp": one}}
    return settings_from({**document, "notices": notices}, Path("/etc/bridge"))


def test_places_have_names_and_get_every_kind_unless_they_say_which() -> None:
    notices = made(mail={"ops": MAIL}, webhook={"chat": {**HOOK, "kinds": ["scim.quiet"]}}).notices
    assert list(notices.places) == ["mail/ops", "webhook/chat"]
    assert notices.kinds_at("mail/ops") == set(NOTICE_KINDS)
    assert notices.kinds_at("webhook/chat") == {"scim.quiet"}
    assert notices.kinds_at("mail/nobody") == set()
    assert notices.mail["ops"].security == "starttls"
    assert notices.webhook["chat"].secret is not None
    assert str(notices.webhook["chat"].secret.file) == "/etc/bridge/key"
    assert made().notices.kinds == set()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"mail": {"ops": {**MAIL, "security": "none"}}}, "without encryption mail goes to this machine alone"),
    ({"mail": {"ops": {**MAIL, "user": "bridge"}}}, "neither without the other"),
    ({"mail": {"ops": {**MAIL, "password": {"file": "x"}}}}, "neither without the other"),
    ({"mail": {"ops": {**MAIL, "password": "hunter2"}}}, "notices.mail.ops.password"),
    ({"mail": {"ops": {**MAIL, "to": []}}}, "notices.mail.ops.to"),
    ({"mail": {"ops": {**MAIL, "to": ["Ops <ops@example.com>"]}}}, "an address such as"),
    ({"mail": {"ops": {**MAIL, "to": ["ops@example.com\nBcc: x@example.com"]}}}, "an address such as"),
    ({"mail": {"ops": {**MAIL, "to": ["a@example.com, b@example.com"]}}}, "an address such as"),
    ({"mail": {"ops": {**MAIL, "sender": "bridge@example.com\r\nX: y"}}}, "an address such as"),
    ({"mail": {"ops": {**MAIL, "host": "smtp.example.com\nx"}}}, "notices.mail.ops.host"),
    ({"mail": {"ops": {**MAIL, "host": "-oProxyCommand=x"}}}, "notices.mail.ops.host"),
    ({"mail": {"Ops!": MAIL}}, "a place is named with a-z"),
    ({"mail": {"ops": {**MAIL, "kinds": ["no.such"]}}}, "notices.mail.ops.kinds"),
    ({"mail": {"ops": {**MAIL, "kinds": []}}}, "notices.mail.ops.kinds"),
    ({"mail": {"ops": {**MAIL, "kinds": ["scim.quiet", "scim.quiet"]}}}, "the same kind twice"),
    ({"mail": {f"ops-{number}": MAIL for number in range(21)}}, "at most 20 places"),
    ({"webhook": {"chat": {**HOOK, "url": "http://hooks.example.com/x"}}}, "must begin with https://"),
    ({"webhook": {"chat": {**HOOK, "url": "https://user:pw@hooks.example.com/x"}}}, "carries no user name"),
    ({"webhook": {"chat": {**HOOK, "url_secret": {"file": "y"}}}}, "url: is needed, or `url_secret`"),
    ({"webhook": {"chat": {"secret": {"file": "y"}}}}, "url: is needed, or `url_secret`"),
    ({"webhook": {"chat": {"url": HOOK["url"]}}}, "secret: is needed"),
    ({"given_up_after": "1m"}, "notices.given_up_after"),
    ({"mails": {}}, "notices.mails"),
]


@pytest.mark.parametrize(("notices", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_what_would_tell_in_the_open_or_nobody_is_refused_by_its_place(notices: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        made(**notices)
    assert told in refused.value.detail
    assert "hunter2" not in refused.value.detail
