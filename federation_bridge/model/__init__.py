"""The nouns, in the order in which a person meets them: SignIn, Identity, Session, Entitlement, Grant, credentials,
LiveGrant.

All are frozen; each step takes one and returns the next. Instants are timezone-aware UTC, spans are `timedelta`.
"""

from federation_bridge.model.block import Block, BlockSource
from federation_bridge.model.caller import Caller
from federation_bridge.model.command_line import AuthorizationCode, DeviceRequest, TokenFamily
from federation_bridge.model.ending import Cause, CauseKind, Ended, HandedToAws, WhyEnded
from federation_bridge.model.entitlement import Account, ConsoleLink, Entitlement, Role
from federation_bridge.model.grant import LONG_AGO, REDEEMABLE, AwsCredentials, Grant
from federation_bridge.model.identity import (
    Arrival,
    EndedAtProvider,
    Groups,
    Identity,
    PersonSeen,
    ProviderSession,
    Session,
)
from federation_bridge.model.kept import Acceptance, KeptDocuments, LastGood, Look, Notice, SealedKey, SealedKeys
from federation_bridge.model.kinds import AgentAccess, Clock, JsonObject, Randomness, Road
from federation_bridge.model.live_grant import CHAINED, LiveGrant, LiveGrantCursor, LiveGrantQuery
from federation_bridge.model.provisioned import ProvisionedGroup, ProvisionedUser, ScimToken
from federation_bridge.model.request_origin import RequestOrigin
from federation_bridge.model.restoration import Restoration
from federation_bridge.model.revocation import CLOCKS_APART, Errand, Revocation, RevocationKind, RevocationState
from federation_bridge.model.role_habit import HALVED_AFTER, RoleHabit
from federation_bridge.model.rulebook import Author, ChangeProposal, ProposedVersion, RulebookVersion
from federation_bridge.model.sign_in import Callback, Departure, Received, SignIn, SignInManner

__all__ = [
    "CHAINED",
    "CLOCKS_APART",
    "HALVED_AFTER",
    "LONG_AGO",
    "REDEEMABLE",
    "Acceptance",
    "Account",
    "AgentAccess",
    "Arrival",
    "Author",
    "AuthorizationCode",
    "AwsCredentials",
    "Block",
    "BlockSource",
    "Callback",
    "Caller",
    "Cause",
    "CauseKind",
    "ChangeProposal",
    "Clock",
    "ConsoleLink",
    "Departure",
    "DeviceRequest",
    "Ended",
    "EndedAtProvider",
    "Entitlement",
    "Errand",
    "Grant",
    "Groups",
    "HandedToAws",
    "Identity",
    "JsonObject",
    "KeptDocuments",
    "LastGood",
    "LiveGrant",
    "LiveGrantCursor",
    "LiveGrantQuery",
    "Look",
    "Notice",
    "PersonSeen",
    "ProposedVersion",
    "ProviderSession",
    "ProvisionedGroup",
    "ProvisionedUser",
    "Randomness",
    "Received",
    "RequestOrigin",
    "Restoration",
    "Revocation",
    "RevocationKind",
    "RevocationState",
    "Road",
    "Role",
    "RoleHabit",
    "RulebookVersion",
    "ScimToken",
    "SealedKey",
    "SealedKeys",
    "Session",
    "SignIn",
    "SignInManner",
    "TokenFamily",
    "WhyEnded",
]
