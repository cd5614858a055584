"""Notices by webhook: a request whose signature its receiver can check, as Standard Webhooks has it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from urllib.parse import urlsplit

from federation_bridge.errors import BridgeError, ConfigurationInvalid
from federation_bridge.model import Clock
from federation_bridge.operator_notices.message import Message
from federation_bridge.operator_notices.places import Answer
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import Webhook
from federation_bridge.settings.values import checked_url

_LEAST_KEY, _LONGEST_KEY = 24, 64
_OK, _BAD_REQUEST, _SERVER_ERROR = 200, 400, 500
_LATER = frozenset({408, 425, 429})
"""Refusals of now, not of the message."""
_MOST_BYTES = 100_000


def key_of(text: str) -> bytes:
    """The key that this secret is; ConfigurationInvalid where it is none."""
    try:
        key = base64.b64decode(text.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _LEAST_KEY <= len(key) <= _LONGEST_KEY:
        told = f"holds {_LEAST_KEY} to {_LONGEST_KEY} bytes in base64, as `openssl rand -base64 32` makes them"
        raise ConfigurationInvalid(f"the secret of a webhook {told}")
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


class WebhookPlace:
    """A `Place` by webhook. Address and key are read when it is made; ConfigurationInvalid where they are none."""

    def __init__(self, webhook: Webhook, outgoing: Outgoing, clock: Clock) -> None:
        self._url = address_of(webhook)
        self._key = key_of(webhook.secret.read()) if webhook.secret is not None else None
        self._networks = (*webhook.networks, *(("127.0.0.0/8", "::1/128") if self._url.startswith("http:") else ()))
        self._is_text = webhook.body == "text"
        self._outgoing, self._clock = outgoing, clock

    def send(self, message: Message) -> Answer:
        """As `Place.send`. No redirect is followed, and of the answer the status alone counts."""
        told = message.to_json()
        body = json.dumps({"text": told["text"]} if self._is_text else told).encode()
        headers = {"Content-Type": "application/json", **self._signed(message, body)}
        try:
            fetched = self._outgoing.fetch(
                self._url, method="POST", data=body, headers=headers, networks=self._networks, max_bytes=_MOST_BYTES
            )
        except BridgeError as refusal:
            return Answer("retried", self._without_path(refusal.detail))
        return _answer(fetched.status)

    def _signed(self, message: Message, body: bytes) -> dict[str, str]:
        at = int(self._clock().timestamp())
        named = {"webhook-id": message.id, "webhook-timestamp": str(at)}
        if self._key is not None:
            named["webhook-signature"] = signature(self._key, message.id, at, body)
        return named

    def _without_path(self, detail: str) -> str:
        # The path of a chat's hook is what opens it.
        parts = urlsplit(self._url)
        told = detail.replace(f"{parts.scheme}://{parts.netloc}{parts.path}", f"{parts.scheme}://{parts.netloc}")
        return told.replace(self._url, f"{parts.scheme}://{parts.netloc}")


def address_of(webhook: Webhook) -> str:
    """Where its notices are posted; ConfigurationInvalid where the secret that says so cannot be read or is none."""
    if webhook.url_secret is None:
        return str(webhook.url)
    text = webhook.url_secret.read().strip()
    try:
        return checked_url(text)
    except ValueError:
        raise ConfigurationInvalid("the secret address of a webhook begins with https:// and can be read") from None


def _answer(status: int) -> Answer:
    if _OK <= status < _OK + 100:
        return Answer("sent", f"answered {status}")
    if _BAD_REQUEST <= status < _SERVER_ERROR and status not in _LATER:
        return Answer("refused", f"answered {status}")
    return Answer("retried", f"answered {status}")
