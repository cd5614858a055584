"""What waits to be told, and what was given up, in lines for an operator. Only looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from federation_bridge.audit import AuditQuery, NoticesGivenUp, printable
from federation_bridge.operator_notices.delivery import TELL_PLACE, notice_about, waiting_at
from federation_bridge.settings import Settings
from federation_bridge.shown_text import shown
from federation_bridge.store import Store
from federation_bridge.store.follow_ups import TELL

_MOST_SHOWN = 100
_LOOKED_BACK = timedelta(days=30)


def lines(store: Store, settings: Settings, now: datetime) -> Iterator[str]:
    """A line for each place and for each notice that waits for it, then what was given up in 30 days; Unavailable."""
    behind = {one.subject: one for one in store.errands.waiting(TELL_PLACE)}
    for place in settings.notices.places:
        found = waiting_at(store, place)
        sending = behind.get(place)
        hindered = f"; tried {sending.attempts} times: {sending.problem}" if sending and sending.attempts else ""
        yield shown(f"{place}: {len(found)} wait{hindered}", "?")
        for errand in sorted(found, key=lambda one: one.asked_at)[:_MOST_SHOWN]:
            notice = notice_about(store, settings, errand)
            if notice is not None:
                yield f"  {notice.at:%Y-%m-%d %H:%M} UTC  {notice.kind}  {notice.sentence}"
    if new := len(store.errands.waiting(TELL)):
        yield f"{new} are not given to the places yet: a node that runs does so within seconds"
    for row in store.audit.found(AuditQuery(event=NoticesGivenUp.name, since=now - _LOOKED_BACK)):
        told = f"{row.details.get('count')} to {row.details.get('place')}: {row.details.get('problem')}"
        yield printable(f"given up {row.at:%Y-%m-%d %H:%M} UTC  {told}")
