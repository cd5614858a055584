"""The places that are told what an operator must do: as the settings name them. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.check.finding import Finding, Kind, Severity, refused
from federation_bridge.operator_notices.webhook import address_of, key_of
from federation_bridge.settings import NOTICE_KINDS, Mail, Settings, Webhook


def look(settings: Settings) -> Iterator[Finding]:
    """A line for each place, and one for the kinds that go nowhere while others go somewhere."""
    for name, one in settings.notices.places.items():
        if not _are_readable(one):
            continue  # told with the secrets
        try:
            told = _by_mail(one) if isinstance(one, Mail) else _by_webhook(one)
        except ConfigurationInvalid as refusal:
            yield from refused(Kind.NOTICE, refusal, f"notices.{name.replace('/', '.')}: ")
            continue
        kinds = "every kind" if one.kinds is None else ", ".join(one.kinds)
        yield Finding(Kind.NOTICE, Severity.GOOD, f"notices to {name}: {told}: {kinds}")
    nowhere = sorted(set(NOTICE_KINDS) - settings.notices.kinds)
    if settings.notices.places and nowhere:
        yield Finding(Kind.NOTICE, Severity.NOTE, f"notices: no place is told of {', '.join(nowhere)}")


def _are_readable(one: Mail | Webhook) -> bool:
    named = (one.password,) if isinstance(one, Mail) else (one.secret, one.url_secret)
    try:
        return all(secret.read() for secret in named if secret is not None)
    except ConfigurationInvalid:
        return False


def _by_mail(one: Mail) -> str:
    return f"{len(one.to)} by {one.host}:{one.port} ({one.security})"


def _by_webhook(one: Webhook) -> str:
    if one.secret is not None:
        key_of(one.secret.read())
    address_of(one)  # and never shown: of a chat's hook it is what opens it
    return "a request, signed" if one.secret is not None else "a request, not signed"
