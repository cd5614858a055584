"""Places that are told by webhook: signatures, chats, redirects and secrets; and what one message may hold."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from notice_factories import BRIDGE, KEY, SECRET, hook_place, message, notice, receiver, secret
from standardwebhooks import Webhook as StandardWebhook

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operator_notices.message import MOST_TOLD, for_chat, message_of
from federation_bridge.operator_notices.webhook import key_of

# --------------------------------------------------------------------------------------------------------- webhook


def test_a_receiver_that_knows_the_key_finds_the_signature_good_and_a_changed_body_not(tmp_path: Path) -> None:
    with receiver() as hook:
        hook_place(tmp_path, hook.port).send(message())
    ((headers, body),) = hook.given
    assert headers["webhook-id"] == notice().id
    reader = StandardWebhook(SECRET)
    # That library looks at its own clock: the instant is moved to now, and so is the signature's.
    with pytest.raises(Exception, match="too old"):
        reader.verify(body, headers)
    signed = reader.sign(headers["webhook-id"], message().at, body.decode())
    assert headers["webhook-signature"] == signed
    assert reader.sign(headers["webhook-id"], message().at, body.decode() + " ") != signed


def test_a_chat_gets_the_text_alone_without_marks_that_call_people_or_hide_addresses(tmp_path: Path) -> None:
    hostile = (
        "<!channel> @channel (@all) corp/@here ada@corp.example <https://evil.example|press> [a](https://evil.example)"
    )
    with receiver() as hook:
        place = hook_place(tmp_path, hook.port, body="text", secret=None)
        place.send(message(notice(sentence=hostile)))
    ((headers, _),) = hook.given
    assert "webhook-signature" not in headers
    assert list(hook.bodies[0]) == ["text"]
    assert for_chat(hostile) in hook.bodies[0]["text"]
    assert "<" not in hook.bodies[0]["text"]
    assert "](" not in hook.bodies[0]["text"]
    # Mattermost calls everybody by these.
    assert "@ channel (@ all) corp/@ here ada@corp.example" in hook.bodies[0]["text"]


@pytest.mark.parametrize("status", [301, 302, 307, 408, 429, 500, 503])
def test_a_redirect_is_not_followed_and_like_what_is_busy_tried_again(tmp_path: Path, status: int) -> None:
    with receiver() as hook, receiver() as elsewhere:
        hook.status = status
        hook.headers = {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
        assert hook_place(tmp_path, hook.port).send(message()).result == "retried"
    assert (len(hook.given), elsewhere.given) == (1, [])


def test_an_address_inside_the_house_is_asked_only_where_networks_names_it(tmp_path: Path) -> None:
    with receiver() as hook:
        place = hook_place(tmp_path, hook.port, url="https://127.0.0.1/hook", networks=())
        answer = place.send(message())
    assert answer.result == "retried"
    assert "networks" in answer.told
    assert hook.given == []


def test_an_address_that_is_a_secret_is_told_nowhere(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    hidden = secret(tmp_path, "url", f"http://127.0.0.1:{port}/services/T000/B000/open-sesame\n")
    answer = hook_place(tmp_path, port, url=None, url_secret=hidden).send(message())
    assert answer.result == "retried"
    assert answer.told.startswith(f"http://127.0.0.1:{port}: ")
    assert "sesame" not in answer.told


@pytest.mark.parametrize("text", ["", "short", "bm90IGxvbmc=", "no base64 at all, but long enough!", "QUFB" * 40])
def test_a_key_that_is_none_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        key_of(text)
    assert not text or text not in refused.value.detail
    assert key_of(SECRET) == key_of(f"whsec_{SECRET}") == KEY


# --------------------------------------------------------------------------------------------------------- digests


@pytest.mark.parametrize("letter", ["x", "ü", "<", "\\"])
def test_long_notices_make_no_message_that_a_chat_would_refuse_for_its_length(letter: str) -> None:
    """Else a flood of long ones has a place give up whatever is told with them."""
    many = [notice(number, sentence=letter * 1_000) for number in range(MOST_TOLD)]
    made = message_of(many, BRIDGE, notice().at)
    assert len(json.dumps({"text": made.to_json()["text"]})) < 28_000
    assert 0 < len(made.notices) < MOST_TOLD
    assert len(made.notices) + sum(made.more.values()) == MOST_TOLD


def test_many_notices_are_one_message_that_tells_of_the_rest_how_many_there_are() -> None:
    many = [notice(number, kind="aws.end_failed") for number in range(MOST_TOLD + 7)]
    made = message_of(many, BRIDGE, notice().at)
    assert made.subject == "[bridge.example.com] 57 notices"
    assert (len(made.notices), made.more) == (MOST_TOLD, {"aws.end_failed": 7})
    assert made.text.count("New signing keys wait.") == MOST_TOLD
    assert "And more: 7 of aws.end_failed." in made.text
    assert message_of(many, BRIDGE, notice().at).id == made.id != message_of(many[1:], BRIDGE, notice().at).id
