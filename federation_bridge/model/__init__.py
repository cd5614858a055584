"""The nouns, in the order in which a person meets them: SignIn, Identity, Session, Entitlement, Grant, credentials.

All are frozen; each step takes one and returns the next. Instants are timezone-aware UTC, spans are `timedelta`.
"""

from federation_bridge.model.caller import Caller
from federation_bridge.model.command_line import AuthorizationCode, DeviceRequest, TokenFamily
from federation_bridge.model.entitlement import Account, Entitlement, Role
from federation_bridge.model.grant import REDEEMABLE, AwsCredentials, Grant
from federation_bridge.model.identity import Arrival, Groups, Identity, PersonSeen, Session
from federation_bridge.model.kept import Acceptance, KeptDocuments, LastGood, Look, Notice, SealedKey, SealedKeys
from federation_bridge.model.kinds import Clock, JsonObject, Randomness, Road
from federation_bridge.model.request_origin import RequestOrigin
from federation_bridge.model.rulebook import Author, ChangeProposal, ProposedVersion, RulebookVersion
from federation_bridge.model.sign_in import Callback, Departure, Received, SignIn

__all__ = [
    "REDEEMABLE",
    "Acceptance",
    "Account",
    "Arrival",
    "Author",
    "AuthorizationCode",
    "AwsCredentials",
    "Callback",
    "Caller",
    "ChangeProposal",
    "Clock",
    "Departure",
    "DeviceRequest",
    "Entitlement",
    "Grant",
    "Groups",
    "Identity",
    "JsonObject",
    "KeptDocuments",
    "LastGood",
    "Look",
    "Notice",
    "PersonSeen",
    "ProposedVersion",
    "Randomness",
    "Received",
    "RequestOrigin",
    "Road",
    "Role",
    "RulebookVersion",
    "SealedKey",
    "SealedKeys",
    "Session",
    "SignIn",
    "TokenFamily",
]
