"""The audit: every kind of event, and the log they go to, the database first, then JSON lines to where one wants.

`events` has the kinds by arrow, `entry` one of them with its request, `record` what the log keeps of it, `log` who
takes it, `sparing` what anonymous clients cannot fill, `lines` the second place, `query` what is asked of it, `seal`
and `verification` how a changed entry shows. The tables are the store's.
"""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.audit.entry import Entry, belongs_to_nobody, is_of_every_day
from federation_bridge.audit.events import Event
from federation_bridge.audit.events.accounts import AccountsCheckAsked, AccountsChecked
from federation_bridge.audit.events.command_line import (
    CommandLineApproved,
    CommandLineEnded,
    DeviceBegun,
    DeviceClaimed,
    DeviceDenied,
    DeviceRefused,
    TokenIssued,
    TokenRefused,
)
from federation_bridge.audit.events.credentials import (
    ConsoleOpened,
    GrantFailed,
    GrantHandedOver,
    GrantOutcomeUnknown,
    GrantRedeemed,
)
from federation_bridge.audit.events.grant import GrantMade, GrantRefused
from federation_bridge.audit.events.keys import KeyMade, KeyRetired, KeyUsed
from federation_bridge.audit.events.metadata import (
    MetadataAccepted,
    MetadataChanged,
    MetadataNotKept,
    MetadataRefreshed,
    MetadataRefused,
)
from federation_bridge.audit.events.rules import (
    RulebookChanged,
    RulebookEmergency,
    RulebookProposalClosed,
    RulebookProposed,
    RulesLoaded,
    RulesNotKept,
    RulesRejected,
)
from federation_bridge.audit.events.service import (
    AuditArchived,
    PersonErased,
    RefusalsCounted,
    RequestRefused,
    RowForged,
)
from federation_bridge.audit.events.session import (
    GroupsLookedUp,
    GroupsNotLookedUp,
    IdentityChanged,
    SessionConfirmed,
    SignedOut,
)
from federation_bridge.audit.events.sign_in import SignInFinished, SignInRefused, VerifiersDisagreed
from federation_bridge.audit.log import AuditLog, Lines, RefusalRing
from federation_bridge.audit.printable_text import printable
from federation_bridge.audit.query import AuditQuery, Cursor
from federation_bridge.audit.record import SHOWN_WHOLE, JsonValue, Recorded, json_line, recorded

__all__ = [
    "EVENTS",
    "SHOWN_WHOLE",
    "AccountsCheckAsked",
    "AccountsChecked",
    "AuditArchived",
    "AuditLog",
    "AuditQuery",
    "CommandLineApproved",
    "CommandLineEnded",
    "ConsoleOpened",
    "Cursor",
    "DeviceBegun",
    "DeviceClaimed",
    "DeviceDenied",
    "DeviceRefused",
    "Entry",
    "Event",
    "GrantFailed",
    "GrantHandedOver",
    "GrantMade",
    "GrantOutcomeUnknown",
    "GrantRedeemed",
    "GrantRefused",
    "GroupsLookedUp",
    "GroupsNotLookedUp",
    "IdentityChanged",
    "JsonValue",
    "KeyMade",
    "KeyRetired",
    "KeyUsed",
    "Lines",
    "MetadataAccepted",
    "MetadataChanged",
    "MetadataNotKept",
    "MetadataRefreshed",
    "MetadataRefused",
    "PersonErased",
    "Recorded",
    "RefusalRing",
    "RefusalsCounted",
    "RequestRefused",
    "RowForged",
    "RulebookChanged",
    "RulebookEmergency",
    "RulebookProposalClosed",
    "RulebookProposed",
    "RulesLoaded",
    "RulesNotKept",
    "RulesRejected",
    "SessionConfirmed",
    "SignInFinished",
    "SignInRefused",
    "SignedOut",
    "TokenIssued",
    "TokenRefused",
    "VerifiersDisagreed",
    "belongs_to_nobody",
    "is_of_every_day",
    "json_line",
    "printable",
    "recorded",
]

EVENTS: Mapping[str, type[Event]] = {
    event.name: event
    for event in (
        SignInFinished,
        SignInRefused,
        VerifiersDisagreed,
        IdentityChanged,
        SessionConfirmed,
        SignedOut,
        GroupsLookedUp,
        GroupsNotLookedUp,
        GrantRefused,
        GrantMade,
        GrantRedeemed,
        GrantFailed,
        GrantOutcomeUnknown,
        GrantHandedOver,
        ConsoleOpened,
        DeviceBegun,
        DeviceClaimed,
        DeviceDenied,
        DeviceRefused,
        CommandLineApproved,
        TokenIssued,
        TokenRefused,
        CommandLineEnded,
        RulesLoaded,
        RulesRejected,
        RulesNotKept,
        RulebookChanged,
        RulebookProposed,
        RulebookProposalClosed,
        RulebookEmergency,
        MetadataChanged,
        MetadataRefused,
        MetadataNotKept,
        MetadataAccepted,
        MetadataRefreshed,
        KeyMade,
        KeyUsed,
        KeyRetired,
        RowForged,
        RequestRefused,
        RefusalsCounted,
        AuditArchived,
        AccountsCheckAsked,
        AccountsChecked,
        PersonErased,
    )
}
