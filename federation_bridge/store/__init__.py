"""What the bridge remembers between requests and over restarts, in SQLite or PostgreSQL, shared by all nodes.

Owns the SQL, the database's shape and its migrations, durability, and that one-time things are taken once. Leaves to
others what the things mean: it checks no assertion and decides no role. Every failure here is raised as Unavailable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from federation_bridge.audit import Lines
from federation_bridge.model import Clock
from federation_bridge.store import schema, sweeping
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.authorization_codes import AuthorizationCodes
from federation_bridge.store.blocks import Blocks
from federation_bridge.store.database_url import server_of, sqlite_path, url_of_user, user_of
from federation_bridge.store.device_codes import DeviceCodes
from federation_bridge.store.documents import Documents, DocumentsLookedAt
from federation_bridge.store.ended_holdings import EndedHoldings
from federation_bridge.store.engine import Database, open_database
from federation_bridge.store.erasure import Erasure
from federation_bridge.store.errands import ErrandTable
from federation_bridge.store.follow_ups import Followed, FollowUps
from federation_bridge.store.hand_overs import HandOvers
from federation_bridge.store.live_grants import LiveGrants
from federation_bridge.store.neighbours import Neighbours
from federation_bridge.store.people import People
from federation_bridge.store.provider_endings import ProviderEndings
from federation_bridge.store.provider_material import ProviderMaterial
from federation_bridge.store.provisioned import Provisioned
from federation_bridge.store.rate_limits import RateLimits
from federation_bridge.store.readiness import Readiness
from federation_bridge.store.refusals import RefusalRing
from federation_bridge.store.resealing import Resealing
from federation_bridge.store.restorations import Restorations
from federation_bridge.store.revocations import Revocations
from federation_bridge.store.role_habits import RoleHabits
from federation_bridge.store.row_mac import USE as ROWS_USE
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.rows import Rows
from federation_bridge.store.rulebook_proposals import RulebookProposals
from federation_bridge.store.rulebook_versions import RulebookVersions
from federation_bridge.store.same_tables import SameTables
from federation_bridge.store.schema import ServingUser
from federation_bridge.store.scim_tokens import ScimTokens
from federation_bridge.store.sealed_keys import SealedKeyTable
from federation_bridge.store.seals import AuditSeals
from federation_bridge.store.service_marks import ServiceMarks
from federation_bridge.store.session_names import SessionNames
from federation_bridge.store.sessions import Sessions
from federation_bridge.store.signal_streams import SignalStreams
from federation_bridge.store.spent_proofs import SpentProofs
from federation_bridge.store.tallies import Tallies
from federation_bridge.store.token_families import TokenFamilies

__all__ = [
    "ROWS_USE",
    "ServingUser",
    "Store",
    "open_store",
    "open_store_to_read",
    "server_of",
    "sqlite_path",
    "url_of_user",
    "user_of",
]


@dataclass(frozen=True)
class Store:
    """The store's parts, one noun each. `open_store` makes it."""

    sessions: Sessions
    blocks: Blocks
    hand_overs: HandOvers
    people: People
    audit: AuditTable
    seals: AuditSeals
    erasure: Erasure
    refusals: RefusalRing
    session_names: SessionNames
    live_grants: LiveGrants
    role_habits: RoleHabits
    documents: Documents
    rulebook_versions: RulebookVersions
    rulebook_proposals: RulebookProposals
    service_marks: ServiceMarks
    sealed_keys: SealedKeyTable
    device_codes: DeviceCodes
    authorization_codes: AuthorizationCodes
    token_families: TokenFamilies
    scim_tokens: ScimTokens
    provisioned: Provisioned
    neighbours: Neighbours
    rate_limits: RateLimits
    spent_proofs: SpentProofs
    errands: ErrandTable
    revocations: Revocations
    ended_holdings: EndedHoldings
    provider_endings: ProviderEndings
    provider_material: ProviderMaterial
    signal_streams: SignalStreams
    tallies: Tallies
    resealing: Resealing
    restorations: Restorations
    same_tables: SameTables
    _readiness: Readiness = field(repr=False)
    _database: Database = field(repr=False)
    _clock: Clock = field(repr=False)

    @property
    def reads_only(self) -> bool:
        """True where nothing can be written through it."""
        return self._database.reads_only

    def migrate(self, serving: ServingUser | None = None) -> None:
        """Brings the database into the present shape. Many nodes may call this at once: one does it, others wait.

        `serving`: the user of PostgreSQL who gets the rights that the service needs, and no others.
        """
        schema.migrate(self._database, serving)

    def schema_problem(self) -> str | None:
        """Why this program cannot use the database as it stands, and what to do; None where it can.

        That is its shape, or that it was put back and the bridge was not told. Unavailable when it does not answer.
        """
        return schema.problem(self._database)

    def shape_problem(self) -> str | None:
        """The same of its shape alone, for who works on a database that was put back."""
        return schema.shape_problem(self._database)

    def problem(self) -> str | None:
        """Why this node cannot serve with its database as it is, in a sentence; None where it can.

        Looks at the shape, every table, a write (but for a store that only reads) and the clocks. The answer is at
        most five seconds old.
        """
        return self._readiness.problem()

    def clock_problem(self) -> str | None:
        """Why nothing may be judged by this machine's clock, in a sentence; None where it agrees with the database's.

        Unavailable when the database does not answer.
        """
        return self._readiness.clock_problem()

    def sweep(self, people_kept: timedelta = sweeping.PEOPLE_KEPT) -> int:
        """Removes what has run out and gives how many rows that were; to be called now and then.

        `people_kept`: for how long after their last sign-in people are remembered.
        """
        return sweeping.sweep(self._database, self.audit, self._clock(), people_kept)

    def follow(self, followed: Followed) -> None:
        """From now on an errand of the kind `follow_ups.TELL` follows from these entries of the audit, and no others.

        It stands if and only if the entry does.
        """
        self.audit.follow(followed)

    def close(self) -> None:
        """Closes all connections."""
        self._database.close()


def open_store(
    url: str,
    *,
    clock: Clock,
    integrity_key: bytes,
    password: str | None = None,
    lines: Lines | None = None,
    make: bool = False,
) -> Store:
    """The store at this SQLAlchemy URL. What is audited goes to `lines` too, after it was committed.

    `integrity_key`: 32 bytes, the same on all nodes, for the MAC on rows; what was written under another is not read.
    `make`: a SQLite file that is not there is made; for a first start only, because a file that was lost must be
    noticed. A SQLite file is migrated as needed; PostgreSQL is not touched (`Store.migrate`, an operator's decision).
    ConfigurationInvalid for a URL that cannot be, or a file that is not there; Unavailable when it cannot be used.
    """
    database = open_database(url, password, make=make)
    store = _store(database, clock, integrity_key, lines)
    if database.dialect == "sqlite" and store.schema_problem():
        store.migrate()
    return store


def open_store_to_read(url: str, *, clock: Clock, integrity_key: bytes, password: str | None = None) -> Store:
    """The same for whoever only looks: nothing can be written through it, its shape neither.

    What would write raises Unavailable. Raises as `open_store` does.
    """
    return _store(open_database(url, password, reads_only=True), clock, integrity_key, None)


class _Common(NamedTuple):
    """What most parts stand on."""

    database: Database
    mac: RowMac
    clock: Clock
    errands: ErrandTable
    audit: AuditTable
    rows: Rows
    blocks: Blocks


def _store(database: Database, clock: Clock, integrity_key: bytes, lines: Lines | None) -> Store:
    mac, errands = RowMac(integrity_key), ErrandTable(database, clock)
    audit = AuditTable(database, mac, clock, FollowUps(errands), lines)
    rows, blocks = Rows(database, mac, audit), Blocks(database, mac, audit)
    documents = DocumentsLookedAt if database.reads_only else Documents
    return _with_people(_Common(database, mac, clock, errands, audit, rows, blocks))(
        audit=audit,
        seals=AuditSeals(database, audit),
        erasure=Erasure(database, audit),
        refusals=RefusalRing(audit),
        documents=documents(database, rows, audit, clock),
        rulebook_versions=RulebookVersions(database, rows, audit, clock),
        rulebook_proposals=RulebookProposals(rows, audit),
        service_marks=ServiceMarks(database),
        sealed_keys=SealedKeyTable(database, audit, clock),
        scim_tokens=ScimTokens(rows, audit, clock),
        neighbours=Neighbours(database, clock),
        rate_limits=RateLimits(database, clock),
        spent_proofs=SpentProofs(database, clock),
        errands=errands,
        provider_endings=ProviderEndings(database, audit, clock),
        signal_streams=SignalStreams(rows, audit, clock),
        tallies=Tallies(database, clock),
        resealing=Resealing(database, audit),
        restorations=Restorations(database, audit, clock),
        same_tables=SameTables(database),
        _readiness=Readiness(database, clock),
        _database=database,
        _clock=clock,
    )


def _with_people(common: _Common) -> partial[Store]:
    """The store, of which it is settled what it remembers of people: who is in, and what they hold."""
    database, mac, clock, errands, audit, rows, blocks = common
    return partial(
        Store,
        sessions=Sessions(database, rows, audit, clock, blocks),
        blocks=blocks,
        hand_overs=HandOvers(database, audit, blocks),
        people=People(rows),
        session_names=SessionNames(database, mac, audit, clock),
        live_grants=LiveGrants(database, rows, audit, clock),
        role_habits=RoleHabits(database, clock),
        device_codes=DeviceCodes(rows, audit, clock),
        authorization_codes=AuthorizationCodes(rows, audit, clock),
        token_families=TokenFamilies(rows, audit, clock, blocks),
        provisioned=Provisioned(database, rows, audit),
        revocations=Revocations(rows, audit, errands),
        ended_holdings=EndedHoldings(database, clock),
        provider_material=ProviderMaterial(rows, audit, clock),
    )
