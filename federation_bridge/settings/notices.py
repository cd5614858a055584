"""Section `notices`: who is told by mail and by webhook what an operator has to do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from federation_bridge.settings.secret import Secret
from federation_bridge.settings.values import Duration, Network, Section, Url, is_loopback

NoticeKind = Literal[
    "certificate.ends",
    "metadata.waits",
    "nodes.disagree",
    "verifiers.disagree",
    "rulebook.emergency",
    "rules.rejected",
    "incident.open",
    "restore.waits",
    "scim.quiet",
    "aws.end_failed",
    "settings.wrong",
    "audit.unsealed",
    "lines.lost",
    "queue.full",
    "row.forged",
    "notices.failed",
]
"""What a notice may be about. The codes stay: receivers sort by them."""
NOTICE_KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)

_PLACE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MOST_PLACES = 20
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _checked_address(text: str) -> str:
    """A plain address: no name, no comment, no line break that could begin a header of somebody else's."""
    if not _ADDRESS.fullmatch(text):
        raise ValueError("is an address such as operators@example.com, without a name")
    return text


def _checked_kinds(kinds: tuple[NoticeKind, ...] | None) -> tuple[NoticeKind, ...] | None:
    if kinds is not None and len(set(kinds)) < len(kinds):
        raise ValueError("names the same kind twice")
    return kinds


Address = Annotated[str, AfterValidator(_checked_address)]
Kinds = Annotated[tuple[NoticeKind, ...] | None, Field(min_length=1), AfterValidator(_checked_kinds)]


class Mail(Section):
    """A place that is told by mail."""

    host: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")
    """The server that takes mail from the bridge: its name as it stands in its certificate."""
    port: int = Field(default=587, ge=1, le=65_535)
    """587 for `starttls`, 465 for `tls`."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls`: the connection is encrypted before anything is sent, or nothing is sent. `tls`: it is encrypted from
    its first byte. `none`: it is not encrypted, and only this machine is allowed."""
    user: str | None = Field(default=None, min_length=1, max_length=256)
    """The user name for that server; if left out: no sign-in."""
    password: Secret | None = None
    """The password of `user`."""
    sender: Address
    """The address that notices come from."""
    to: tuple[Address, ...] = Field(min_length=1, max_length=50)
    """The addresses that receive them."""
    kinds: Kinds = None
    """The kinds of notices that go there; if left out: all."""

    @model_validator(mode="after")
    def _encrypted(self) -> Mail:
        if self.security == "none" and not is_loopback(f"//{self.host}"):
            raise ValueError("security: without encryption mail goes to this machine alone")
        if (self.user is None) != (self.password is None):
            raise ValueError("user: goes with `password`, and neither without the other")
        return self


class Webhook(Section):
    """A place that is told by a request to its address."""

    url: Url | None = None
    """Where notices are posted, by https (http only to this machine)."""
    url_secret: Secret | None = None
    """The same, if the address itself is a secret, like the hook of a chat. Either `url` or `url_secret` is needed."""
    secret: Secret | None = None
    """The key of the signature: 24 to 64 bytes in base64, as `openssl rand -base64 32` makes them. Needed, except with
    `body: text`: a chat checks no signature."""
    body: Literal["notice", "text"] = "notice"
    """`notice`: the whole notice as JSON, including `text`. `text`: JSON with `text` alone, for chats that refuse other
    members."""
    networks: tuple[Network, ...] = ()
    """Networks in which the address may lie, where it is a private one."""
    kinds: Kinds = None
    """The kinds of notices that go there; if left out: all."""

    @model_validator(mode="after")
    def _one_address(self) -> Webhook:
        if (self.url is None) == (self.url_secret is None):
            raise ValueError("url: is needed, or `url_secret` in its place")
        if self.secret is None and self.body == "notice":
            raise ValueError("secret: is needed, so that the receiver can tell our notices from others'")
        return self


class Notices(Section):
    """What an operator has to do is told by mail and by webhook (docs/notices.md)."""

    mail: dict[str, Mail] = Field(default_factory=dict)
    """Places that are told by mail, by a short name each."""
    webhook: dict[str, Webhook] = Field(default_factory=dict)
    """Places that are told by a request, by a short name each."""
    given_up_after: Duration = Field(default=timedelta(days=3), ge=timedelta(hours=1), le=timedelta(days=30))
    """How long the bridge tries again if a place does not accept a notice. Then it gives up and reports that."""

    @field_validator("mail", "webhook")
    @classmethod
    def _named(cls, places: dict[str, Section]) -> dict[str, Section]:
        for name in places:
            if not _PLACE.fullmatch(name):
                raise ValueError(f"{name!r}: a place is named with a-z, 0-9 and -, at most 32")
        if len(places) > _MOST_PLACES:
            raise ValueError(f"there are at most {_MOST_PLACES} places of a kind")
        return places

    def kinds_at(self, place: str) -> frozenset[NoticeKind]:
        """What goes to a place (`mail/NAME`, `webhook/NAME`); nothing where there is none of this name."""
        found = self.places.get(place)
        return frozenset() if found is None else frozenset(found.kinds or NOTICE_KINDS)

    @property
    def places(self) -> dict[str, Mail | Webhook]:
        """All places, by `mail/NAME` or `webhook/NAME`."""
        mail = {f"mail/{name}": one for name, one in self.mail.items()}
        return {**mail, **{f"webhook/{name}": one for name, one in self.webhook.items()}}

    @property
    def kinds(self) -> frozenset[NoticeKind]:
        """What goes to any place at all."""
        return frozenset().union(*(self.kinds_at(place) for place in self.places))
