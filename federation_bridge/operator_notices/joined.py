"""The parts of telling, joined: which places there are, and what is called again and again beside the requests."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from federation_bridge.errands import Act, Errands
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Clock
from federation_bridge.operator_notices.delivery import LONGEST_PAUSE, TELL_PLACE, Count, SendToPlace, TellPlaces
from federation_bridge.operator_notices.mail import MailPlace
from federation_bridge.operator_notices.message import Message
from federation_bridge.operator_notices.places import Answer, Place
from federation_bridge.operator_notices.standing import Counts, StandingNotices
from federation_bridge.operator_notices.webhook import WebhookPlace
from federation_bridge.outgoing import Outgoing
from federation_bridge.outgoing.connections import tls_context
from federation_bridge.settings import Mail, Settings, Webhook
from federation_bridge.store import Store
from federation_bridge.store.follow_ups import TELL
from federation_bridge.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Telling:
    """What tells, each to be called in a thread of its own; nothing where the settings name no place."""

    each_second: tuple[Callable[[], object], ...] = ()
    each_minute: tuple[Callable[[], object], ...] = ()


@dataclass(frozen=True, slots=True)
class _MadeAtEachSend:
    """A `Place` whose secrets are read each time: one that is changed holds at once, a missing one stops nothing."""

    make: Callable[[], Place]

    def send(self, message: Message) -> Answer:
        """As `Place.send`."""
        try:
            place = self.make()
        except ConfigurationInvalid as refusal:
            return Answer("retried", refusal.detail)
        return place.send(message)


def places_of(settings: Settings, clock: Clock) -> dict[str, Place]:
    """Every place by its name; ConfigurationInvalid where `outgoing` cannot be used."""
    rules = settings.outgoing
    outgoing = Outgoing(rules.proxy, rules.ca_bundle, rules.timeout)
    tls = tls_context(rules.ca_bundle)

    def make(setting: Mail | Webhook) -> Place:
        if isinstance(setting, Mail):
            return MailPlace(setting, settings.base_url, tls, rules.timeout)
        return WebhookPlace(setting, outgoing, clock)

    return {name: _MadeAtEachSend(partial(make, one)) for name, one in settings.notices.places.items()}


def telling_of(
    store: Store, settings: Settings, upkeep: Upkeep, clock: Clock, counts: Callable[[], Counts], count: Count
) -> Telling:
    """What tells the places of these settings; ConfigurationInvalid as `places_of`."""
    places = places_of(settings, clock)
    if not places:
        return Telling()
    send = SendToPlace(store, settings, places, clock, count)
    acts: dict[str, Act] = {TELL: TellPlaces(store, settings), TELL_PLACE: send}
    errands = Errands(store.errands, acts, secrets.token_hex(16), longest_pause=LONGEST_PAUSE)
    standing = StandingNotices(store, settings, upkeep, clock, os.uname().nodename, counts)
    return Telling((errands.do_due,), (standing.look,))
