"""`restore` for a terminal: the database is put back, told so, shown and confirmed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from federation_bridge import first_start, system_clock
from federation_bridge.administration import backing_up, restoring
from federation_bridge.administration.backing_up import backup_key
from federation_bridge.administration.restoring import Confirmation
from federation_bridge.aws.sts import answer_time
from federation_bridge.aws_endings.asking import EndingsInAws
from federation_bridge.errors import BadRequest, ConfigurationInvalid
from federation_bridge.file_owners import demand_folder_to_write
from federation_bridge.first_start import Beginning
from federation_bridge.keys_and_endings import endings_of, key_ring
from federation_bridge.model import Account, Ended, Restoration
from federation_bridge.operate.backing_up import database_of
from federation_bridge.operate.opening import looking_at, store_and_keys_looked_at, store_of
from federation_bridge.settings import Settings
from federation_bridge.signing import Purpose
from federation_bridge.store import putting_back, sqlite_path
from federation_bridge.store.backup_file import BackupHead, unpack
from federation_bridge.store.unfinished import unfinished

_NEXT = (
    "Nobody comes in yet. Start the service, look with `federation-bridge restore --show`, and let people in with "
    "`federation-bridge restore --confirm CODE --reason WHY`."
)


def restored(settings: Settings, file: Path, *, replace: bool) -> Iterator[str]:
    """Puts a backup in the place of the database, and tells it so; says what ended and what comes next.

    The new database is made ready beside the old one, and then takes its name. ConfigurationInvalid, with one sentence,
    where it cannot be; then the database is as it was.
    """
    database = database_of(settings, "pg_restore")
    sealing_key = first_start.sealing_key_of(settings)
    _check_place(database, replace=replace)
    try:
        with unfinished(".restore-", database.parent) as folder:
            new = folder / database.name
            head = unpack(file, new, backup_key(sealing_key))
            beside = settings.model_copy(update={"database": f"sqlite:///{new}"})
            ended = _begun(beside, Beginning(sealing_key, may_make_database=False), head.sha256, head)
            putting_back.demand_unused(new)
            aside = putting_back.take_place(new, database, system_clock.utc_now())
    except OSError as problem:
        raise ConfigurationInvalid(f"{database.parent} cannot be written: {problem.strerror}") from None
    yield f"Restored: {database}"
    yield from backing_up.lines_of(head)
    if aside is not None:
        yield f"What lay there is kept as {aside}; remove it when it is of no use any more."
    yield from _told(ended)


def told_by_hand(settings: Settings) -> Iterator[str]:
    """The same for a database that was put back by other means: only it is told so."""
    beginning = Beginning(first_start.sealing_key_of(settings), may_make_database=False)
    if (database := sqlite_path(settings.database_url)) is not None and database.exists():
        putting_back.demand_unused(database)
    ended = _begun(settings, beginning, restoring.BY_OTHER_MEANS, None)
    yield "The database knows that it was put back."
    yield from _told(ended)


def shown(settings: Settings) -> Iterator[str]:
    """What is in force again, and the code by which it is confirmed."""
    with store_and_keys_looked_at(settings) as (store, keys):
        standing = restoring.standing(store, keys, settings.connections)
    yield from _lost(standing.restoration)
    yield from standing.lines
    yield f"To let people in: federation-bridge restore --confirm {standing.code} --reason WHY"


def confirmed(settings: Settings, code: str, reason: str, *, in_aws: bool) -> Iterator[str]:
    """Lets people in again; with `in_aws`, every session in every account of the register ends."""
    register: Mapping[str, Account] = _register(settings) if in_aws else {}
    with store_and_keys_looked_at(settings) as (store, keys):
        seen = restoring.standing(store, keys, settings.connections)
    with store_of(settings) as store:
        asking = EndingsInAws(
            store, lambda: register, answer_time(settings.aws), system_clock.utc_now, secrets.token_bytes
        )
        endings = endings_of(store, system_clock.utc_now, asking)
        restoration = restoring.confirm(
            store, endings, system_clock.utc_now, seen, Confirmation(code, reason, tuple(register))
        )
    yield "Confirmed: people come in again."
    if restoration.not_before > system_clock.utc_now():
        # Of several machines each clock may be off: what began within that span may be older than the restore.
        yield f"Sign-ins count that begin at {restoration.not_before:%H:%M:%S} UTC or later; earlier ones start again."
    if register:
        yield f"Accounts in which every AWS session is ending: {len(register)} (`federation-bridge aws endings`)."
    else:
        since = f"{restoration.holds_until:%Y-%m-%d %H:%M} UTC"
        yield f"AWS sessions issued since {since} are not known here. They live to their own end: see docs/backup.md."


def _begun(settings: Settings, beginning: Beginning, origin: str, head: BackupHead | None) -> Ended:
    with store_of(settings, beginning) as store:
        store.migrate()
        if (problem := store.shape_problem()) is not None:
            raise ConfigurationInvalid(problem)
        keys = key_ring(settings, beginning.sealing_key, store)
        keys.made(Purpose.AUDIT)
        if (problem := store.clock_problem()) is not None:
            # By a clock that is late, what was used before would count as issued after.
            raise ConfigurationInvalid(problem)
        return restoring.begin(store, keys, system_clock.utc_now, origin, None if head is None else head.made_at)


def _check_place(database: Path, *, replace: bool) -> None:
    demand_folder_to_write(database.parent)
    if not database.exists():
        return
    putting_back.demand_unused(database)
    if not replace:
        raise ConfigurationInvalid(
            f"the database {database} is there: with `--replace` the backup takes its place, and it is kept aside"
        )


def _register(settings: Settings) -> Mapping[str, Account]:
    with looking_at(settings) as parts:
        accounts = dict(parts.rulebook.current().register.accounts)
    if not accounts:
        raise BadRequest("no account is registered: nothing in AWS can be ended from here")
    return accounts


def _lost(restoration: Restoration) -> Iterator[str]:
    yield f"Put back at {restoration.restored_at:%Y-%m-%d %H:%M:%S} UTC."
    yield f"Nothing is known here of what happened between {restoration.holds_until:%Y-%m-%d %H:%M:%S} UTC and then."


def _told(ended: Ended) -> Iterator[str]:
    here = f"{ended.sessions} browser sessions, {ended.command_lines} command lines"
    yield f"Ended: {here}, {ended.pending} command lines not let in yet."
    yield _NEXT
