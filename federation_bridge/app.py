"""`create_app`: builds every part and joins them. The only place that does; read it as the table of contents."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from flask import Flask
from flask_babel import Babel

from federation_bridge import first_start
from federation_bridge.administration.account_checks import AccountChecks
from federation_bridge.administration.archiving import AuditArchiving
from federation_bridge.administration.sealing import AuditSealing
from federation_bridge.audit.lines import SecondPlace, second_place
from federation_bridge.audit.sparing import Bounds, SparingAudit
from federation_bridge.aws.calls import AwsCalls, places_beside
from federation_bridge.aws.sts import StsClients
from federation_bridge.aws_clients import sign_in as aws_login
from federation_bridge.aws_clients import sso_oidc, sso_portal
from federation_bridge.background import Background
from federation_bridge.bridge import Bridge, Parts, get_ready
from federation_bridge.connectors import Connector, connectors_from
from federation_bridge.directories import Directory
from federation_bridge.group_lookup import GroupLookup
from federation_bridge.model import Clock, KeptDocuments, Notice, Randomness
from federation_bridge.notices import (
    DocumentsAndNotices,
    Notices,
    SealedKeysAndNotices,
    UnheardNotices,
    VersionsAndNotices,
)
from federation_bridge.oauth import places
from federation_bridge.oauth.authorization_server import authorization_server
from federation_bridge.oauth.parts import Parts as AuthorizationParts
from federation_bridge.outgoing import Outgoing
from federation_bridge.pending_sign_in import USE, PendingSignIns
from federation_bridge.rulebook import FilesSource, FollowedRulebook, Known, Rulebook, RulebookInForce, Versions
from federation_bridge.settings import Settings, is_loopback
from federation_bridge.signing import KeyRing, derived_key
from federation_bridge.store import Store, open_store, open_store_to_read
from federation_bridge.upkeep import Upkeep
from federation_bridge.web import error_handlers, guards, headers, languages, limits, locations, static_files
from federation_bridge.web.administration import accounts as accounts_pages
from federation_bridge.web.administration import aws as aws_pages
from federation_bridge.web.administration import page, people, reviews, rule_form
from federation_bridge.web.administration import rulebook as rulebook_pages
from federation_bridge.web.administration import rules as rules_pages
from federation_bridge.web.api import routes as api
from federation_bridge.web.api.administration import routes as administration_api
from federation_bridge.web.door import EXTENSION, Door
from federation_bridge.web.findable import FindableFlask
from federation_bridge.web.oauth import endpoints as oauth
from federation_bridge.web.observe import health, issuer, measuring, metrics
from federation_bridge.web.pages import authorize, device, roles, sign_in, unseen_command_lines


def utc_now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Clock = utc_now, randomness: Randomness = secrets.token_bytes) -> Flask:
    """The web application for these settings, its background work not yet started (`start_background`).

    Raises:
        ConfigurationInvalid: rules, register, metadata or keys that an operator has to mend first.
        Unavailable: the database does not answer.
    """
    app = FindableFlask("federation_bridge.web", static_folder=None, template_folder="templates")
    app.request_class = limits.BoundedRequest
    app.config.update(MAX_FORM_PARTS=limits.MOST_FIELDS)
    app.extensions[EXTENSION] = _joined(settings, clock, randomness)
    for blueprint in (
        sign_in.pages,
        roles.pages,
        api.api,
        administration_api.api,
        oauth.endpoints,
        authorize.pages,
        device.pages,
        sso_oidc.oidc,
        sso_portal.portal,
        aws_login.pages,
        aws_login.tokens,
        issuer.pages,
        health.pages,
        rulebook_pages.pages,
        reviews.pages,
        rule_form.pages,
        accounts_pages.pages,
        rules_pages.pages,
        people.pages,
        aws_pages.pages,
        static_files.pages,
    ):
        app.register_blueprint(blueprint)
    error_handlers.install(app)
    app.before_request(measuring.begin_request)
    locations.install(app)
    guards.install(
        app, guards.Leading(sign_in.sign_in_for, sign_in.confirmation_page, device.stale_page, page.rights_of)
    )
    app.after_request(measuring.end_request)
    app.after_request(headers.harden)
    Babel(app, default_translation_directories=languages.FOLDER, locale_selector=languages.preferred)
    app.context_processor(languages.for_templates)
    app.context_processor(unseen_command_lines.for_templates)
    app.context_processor(page.for_templates)
    app.context_processor(static_files.for_templates)
    return app


def _joined(settings: Settings, clock: Clock, randomness: Randomness) -> Door:
    parts = join(settings, clock, randomness)
    return Door(
        bridge=Bridge(parts),
        oauth=authorization_server(authorization_parts(parts)),
        settings=settings,
        connectors=dict(parts.connectors),
        keys=parts.keys,
        store=parts.store,
        rulebook=parts.rulebook,
        audit=parts.audit,
        clock=clock,
        randomness=randomness,
        observers=parts.observers,
        upkeep=Upkeep(parts.connectors, parts.keys, parts.store, settings, clock),
        get_ready=partial(get_ready, parts),
        form_targets=_loopback_targets(settings),
    )


def join(settings: Settings, clock: Clock, randomness: Randomness, *, reads_only: bool = False) -> Parts:
    """Every part, joined; raises as `create_app` does, and then leaves no connection open.

    `reads_only`: for a command that looks. The database cannot be written, no key is made, and what the parts notice
    is neither kept nor audited. `first_start.is_ahead` says whether there is nothing to look at yet.
    """
    beginning = first_start.resume(settings) if reads_only else first_start.begin(settings)
    password = settings.database_password.read() if settings.database_password else None
    url, integrity_key = settings.database_url, beginning.integrity_key
    place = second_place("nowhere" if reads_only else settings.audit.also_to)
    if reads_only:
        store = open_store_to_read(url, clock=clock, integrity_key=integrity_key, password=password)
    else:
        place.on_missed = metrics.LINES_DROPPED.labels(kind="audit").inc
        store = open_store(
            url,
            clock=clock,
            integrity_key=integrity_key,
            password=password,
            lines=measuring.CountedLines(place),
            make=beginning.may_make_database,
        )
    place.read_again_with(store.audit.numbered)
    try:
        return _around(store, place, beginning.sealing_key, settings, clock, randomness)
    except BaseException:
        store.close()
        raise


def _around(
    store: Store, place: SecondPlace, sealing_key: bytes, settings: Settings, clock: Clock, randomness: Randomness
) -> Parts:
    sparing = _sparing_audit(store, settings, clock)
    notices = UnheardNotices(sparing, clock) if store.reads_only else Notices(sparing, clock)
    keys = key_ring(settings, sealing_key, store, clock)
    kept = DocumentsAndNotices(store.documents, clock)
    outgoing = Outgoing(settings.outgoing.proxy, settings.outgoing.ca_bundle, settings.outgoing.timeout)
    connectors = connectors_from(settings, keys=keys, outgoing=outgoing, kept=kept, clock=clock, notice=notices.tell)
    rulebook = _rulebook(settings, store, notices, clock)
    calls = AwsCalls(places_beside(settings.serving.threads), on_change=measuring.count_circuit)
    return Parts(
        settings=settings,
        connectors=connectors,
        group_lookup=GroupLookup(_directories(), store, sparing, clock),
        rulebook=rulebook,
        store=store,
        audit=sparing,
        keys=keys,
        aws_calls=calls,
        sts=StsClients(settings.aws, settings.outgoing, calls, clock=clock),
        outgoing=outgoing,
        pending_sign_ins=PendingSignIns(derived_key(sealing_key, USE), settings, clock, randomness),
        clock=clock,
        randomness=randomness,
        observers=(sparing, place),
    )


def _rulebook(settings: Settings, store: Store, notices: Notices, clock: Clock) -> RulebookInForce:
    versions = Versions(VersionsAndNotices(store.rulebook_versions, clock, reads_only=store.reads_only))
    known = Known(frozenset(settings.connections), settings.issuer)
    if settings.rulebook.source == "database":
        return FollowedRulebook(versions, known)
    return Rulebook(FilesSource(*settings.rules_files), versions, known, notices.tell)


def _directories() -> dict[str, Directory]:
    """The directory of each connection that has one: none is built yet (ADR 31)."""
    return {}


def key_ring(settings: Settings, sealing_key: bytes, store: Store, clock: Clock = utc_now) -> KeyRing:
    """The keys in this store, made as they are asked for; where the store only reads, none is made."""
    kept = SealedKeysAndNotices(store.sealed_keys, clock)
    return KeyRing(sealing_key, kept, clock, _host(settings), may_make=not store.reads_only)


def connector_of(
    settings: Settings, connection: str, keys: KeyRing, kept: KeptDocuments, notice: Callable[[Notice], None]
) -> Connector:
    """One connection alone, for a command."""
    alone = settings.model_copy(update={"connections": {connection: settings.connections[connection]}})
    outgoing = Outgoing(settings.outgoing.proxy, settings.outgoing.ca_bundle, settings.outgoing.timeout)
    made = connectors_from(alone, keys=keys, outgoing=outgoing, kept=kept, clock=utc_now, notice=notice)
    return made[connection]


def _sparing_audit(store: Store, settings: Settings, clock: Clock) -> SparingAudit:
    bounds = Bounds(settings.audit.refusals_kept, settings.audit.refusals_age)
    sparing = SparingAudit(store.audit, store.refusals, bounds, clock, measuring.count_event)
    sparing.on_lost = metrics.LINES_DROPPED.labels(kind="refusal").inc
    return sparing


def authorization_parts(parts: Parts) -> AuthorizationParts:
    """What of these parts the authorization server works with; ConfigurationInvalid for a broken GeoIP file."""
    return AuthorizationParts(
        settings=parts.settings,
        connections=frozenset(parts.connectors),
        rulebook=parts.rulebook,
        store=parts.store,
        audit=parts.audit,
        keys=parts.keys,
        places=places.places_from(parts.settings.command_line.geoip),
        clock=parts.clock,
        randomness=parts.randomness,
    )


def _host(settings: Settings) -> str:
    return urlsplit(settings.base_url).hostname or "bridge"


def _loopback_targets(settings: Settings) -> tuple[str, ...]:
    """Origins on this machine to which sign-in forms may lead, over http: a sandbox identity provider."""
    if not is_loopback(settings.base_url):
        return ()
    return ("http://localhost:*", "http://127.0.0.1:*")


def _care_of_the_audit(found: Door) -> tuple[Callable[[], object], ...]:
    """What is done every minute: entries are sealed, and old ones archived where a setting says how long they stay."""
    sealing = AuditSealing(found.store, found.keys, found.clock)
    keep = found.settings.audit.keep
    if keep is None:
        return (sealing.seal,)
    folder = found.settings.audit.archive or found.settings.data.resolve() / "audit-archive"
    return sealing.seal, AuditArchiving(found.store, found.keys, found.clock, keep, folder).archive


def _looks_at_accounts(found: Door) -> tuple[Callable[[], object], ...]:
    """What reads the accounts each night, where the settings allow it."""
    aws = found.settings.aws
    if not aws.check_accounts:
        return ()
    from federation_bridge.aws.account_reading import AccountReader  # noqa: PLC0415 - boto3 is for those who asked for it

    reader = AccountReader(aws, found.settings.outgoing, found.clock, aws.check_role)
    return (AccountChecks(found.store, found.keys, found.rulebook, found.settings, found.clock, reader.read).look,)


def start_background(app: Flask) -> Background:
    """Starts what runs beside the requests in this process; after a fork, threads do not survive one."""
    found: Door = app.extensions[EXTENSION]
    background = Background(found.connectors.values(), found.store, found.get_ready, found.rulebook.watch)
    background.tell = found.upkeep.tell
    background.sweep = partial(found.store.sweep, found.settings.sessions.people_kept)
    background.each_minute = _care_of_the_audit(found)
    background.each_minute_apart = _looks_at_accounts(found)
    background.start(*found.observers)
    return background
