"""`create_app`: builds every part and joins them. The only place that does; read it as the table of contents."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from functools import partial

from flask import Flask
from flask_babel import Babel

from federation_bridge import first_start, provider_material
from federation_bridge.administration.account_checks import AccountChecks
from federation_bridge.administration.archiving import AuditArchiving
from federation_bridge.administration.last_seal import LastSeal
from federation_bridge.administration.nodes import NodeStanding
from federation_bridge.administration.sealing import AuditSealing
from federation_bridge.administration.unseen_sessions import UnseenSessions
from federation_bridge.audit.lines import SecondPlace, second_place
from federation_bridge.audit.sparing import Bounds, SparingAudit
from federation_bridge.aws.calls import places_beside
from federation_bridge.aws.revoker import revoker_of
from federation_bridge.aws.sts import StsClients, answer_time
from federation_bridge.aws_clients import sign_in as aws_login
from federation_bridge.aws_clients import sso_oidc, sso_portal
from federation_bridge.aws_endings.asking import EndingsInAws
from federation_bridge.aws_endings.obeying import RevocationErrand
from federation_bridge.background import Background
from federation_bridge.bridge import Bridge, Parts, get_ready
from federation_bridge.connectors.connector import Connector
from federation_bridge.connectors.from_settings import connectors_from, transmitters_from
from federation_bridge.errands import Errands
from federation_bridge.group_lookup import GroupLookup
from federation_bridge.keys_and_endings import endings_of, key_ring
from federation_bridge.model import Clock, KeptDocuments, Notice, Randomness
from federation_bridge.notices import (
    DocumentsAndNotices,
    Notices,
    UnheardNotices,
    VersionsAndNotices,
)
from federation_bridge.oauth import places
from federation_bridge.oauth.authorization_server import authorization_server
from federation_bridge.oauth.parts import Parts as AuthorizationParts
from federation_bridge.oauth.parts import Recheck
from federation_bridge.operator_notices.joined import telling_of
from federation_bridge.operator_notices.kinds import followed
from federation_bridge.outgoing import Outgoing
from federation_bridge.pending_sign_in import USE, PendingSignIns
from federation_bridge.provider_events import ProviderEvents, Signals
from federation_bridge.provider_material import SealedMaterial
from federation_bridge.provisioning.directory import ProvisionedPeople
from federation_bridge.rulebook import FilesSource, FollowedRulebook, Known, Rulebook, RulebookInForce, Versions
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing, derived_key
from federation_bridge.store import Store, open_store, open_store_to_read
from federation_bridge.store.revocations import ERRAND
from federation_bridge.system_clock import utc_now
from federation_bridge.upkeep import Upkeep
from federation_bridge.web import error_handlers, guards, headers, languages, limits, locations, scim_door
from federation_bridge.web.administration import page
from federation_bridge.web.blueprints import BLUEPRINTS, IN_TEMPLATES
from federation_bridge.web.branding import read_branding
from federation_bridge.web.door import EXTENSION, Door, loopback_targets
from federation_bridge.web.findable import FindableFlask
from federation_bridge.web.observe import measuring, metrics
from federation_bridge.web.pages import device, out, sign_in

_PLACES_OF_ERRANDS = 2


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
    dialects = (sso_oidc.oidc, sso_portal.portal, aws_login.pages, aws_login.tokens)
    for blueprint in (*BLUEPRINTS, *dialects):
        app.register_blueprint(blueprint)
    scim_door.open_where_wanted(app, settings)
    error_handlers.install(app)
    out.install(app)
    app.before_request(measuring.begin_request)
    locations.install(app)
    anew = (device.stale_page, device.page_before_administering)
    guards.install(app, guards.Leading(sign_in.sign_in_for, sign_in.confirmation_page, *anew, page.rights_of))
    app.after_request(measuring.end_request)
    app.after_request(headers.harden)
    Babel(app, default_translation_directories=languages.FOLDER, locale_selector=languages.preferred)
    for part in IN_TEMPLATES:
        app.context_processor(part.for_templates)
    return app


def _joined(settings: Settings, clock: Clock, randomness: Randomness) -> Door:
    looks = read_branding(settings.portal)  # before anything is open
    parts = join(settings, clock, randomness)
    bridge = Bridge(parts)
    return Door(
        bridge=bridge,
        oauth=authorization_server(authorization_parts(parts, bridge.rechecks.check)),
        settings=settings,
        connectors=dict(parts.connectors),
        keys=parts.keys,
        store=parts.store,
        endings=parts.endings,
        rulebook=parts.rulebook,
        audit=parts.audit,
        clock=clock,
        randomness=randomness,
        observers=parts.observers,
        upkeep=Upkeep(parts.connectors, parts.keys, parts.store, settings, clock),
        provider_events=ProviderEvents(parts),
        signals=Signals(parts),
        branding=looks,
        get_ready=partial(get_ready, parts),
        form_targets=loopback_targets(settings),
    )


def join(settings: Settings, clock: Clock, randomness: Randomness, *, reads_only: bool = False) -> Parts:
    """Every part, joined; raises as `create_app` does, and then leaves no connection open.

    `reads_only`: for a command that looks. The database cannot be written, no key is made, and what the parts notice
    is neither kept nor audited. `first_start.is_ahead` says whether there is nothing to look at yet.
    """
    place = second_place("nowhere" if reads_only else settings.audit.also_to)
    beginning = first_start.resume(settings) if reads_only else first_start.begin(settings)
    password = settings.database_password.read() if settings.database_password else None
    url, integrity_key = settings.database_url, beginning.integrity_key
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
    store.follow(followed(settings))
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
    notices = UnheardNotices(sparing, clock) if store.reads_only else Notices(sparing, clock, store.service_marks)
    keys = key_ring(settings, sealing_key, store, clock)
    kept = DocumentsAndNotices(store.documents, clock)
    outgoing = Outgoing(settings.outgoing.proxy, settings.outgoing.ca_bundle, settings.outgoing.timeout)
    connectors = connectors_from(settings, keys=keys, outgoing=outgoing, kept=kept, clock=clock, notice=notices.tell)
    rulebook = _rulebook(settings, store, notices, clock)
    registered = lambda: rulebook.current().register.accounts  # noqa: E731 - read anew at each end
    calls = measuring.counted_calls(places_beside(settings.serving.threads))
    told = ProvisionedPeople(settings, store, clock)
    return Parts(
        settings=settings,
        connectors=connectors,
        group_lookup=GroupLookup(told.directories(), clock, told.settle),
        rulebook=rulebook,
        store=store,
        endings=endings_of(store, clock, EndingsInAws(store, registered, answer_time(settings.aws), clock, randomness)),
        audit=sparing,
        keys=keys,
        aws_calls=calls,
        sts=StsClients(settings.aws, settings.outgoing, calls, clock=clock),
        outgoing=outgoing,
        transmitters=transmitters_from(settings, outgoing=outgoing, kept=kept, clock=clock),
        sealed_material=SealedMaterial(derived_key(sealing_key, provider_material.USE), randomness),
        pending_sign_ins=PendingSignIns(derived_key(sealing_key, USE), settings, clock, randomness),
        clock=clock,
        randomness=randomness,
        observers=(sparing, place),
    )


def _rulebook(settings: Settings, store: Store, notices: Notices, clock: Clock) -> RulebookInForce:
    versions = Versions(VersionsAndNotices(store.rulebook_versions, clock, reads_only=store.reads_only))
    known = Known.of(settings)
    if settings.rulebook.source == "database":
        return FollowedRulebook(versions, known)
    return Rulebook(FilesSource(*settings.rules_files), versions, known, notices.tell)


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


def authorization_parts(parts: Parts, recheck: Recheck) -> AuthorizationParts:
    """What of these parts the authorization server works with; ConfigurationInvalid for a broken GeoIP file."""
    return AuthorizationParts(
        settings=parts.settings,
        connections=frozenset(parts.connectors),
        rulebook=parts.rulebook,
        store=parts.store,
        endings=parts.endings,
        audit=parts.audit,
        keys=parts.keys,
        places=places.places_from(parts.settings.command_line.geoip),
        recheck=recheck,
        clock=parts.clock,
        randomness=parts.randomness,
    )


def _care_of_the_audit(found: Door) -> tuple[Callable[[], object], ...]:
    """What is done every minute: entries are sealed, and old ones archived where a setting says how long they stay."""
    sealing = AuditSealing(found.store, found.keys, found.clock, remember=LastSeal.of(found.settings, found.clock).note)
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


def _errands(found: Door) -> Errands:
    """What outlives requests. Its calls of AWS take no place that a request could need."""
    calls = measuring.counted_calls(_PLACES_OF_ERRANDS)
    revoker = revoker_of(found.settings, found.keys, calls, found.clock, found.randomness)
    act = RevocationErrand(
        found.store, found.rulebook, revoker, found.clock, answer_time(found.settings.aws), measuring.count_revocation
    )
    return Errands(found.store.errands, {ERRAND: act}, found.randomness(16).hex())


def start_background(app: Flask) -> Background:
    """Starts what runs beside the requests in this process; after a fork, threads do not survive one."""
    found: Door = app.extensions[EXTENSION]
    name, marks = f"{os.uname().nodename}/{os.getpid()}", found.store.service_marks
    watches = (NodeStanding(name, found.rulebook, marks, found.clock).watch, found.store.same_tables.look)
    background = Background(found.connectors.values(), found.store, found.get_ready, watches)
    background.tell = found.upkeep.tell
    background.sweep = partial(found.store.sweep, found.settings.sessions.people_kept)
    background.each_minute = _care_of_the_audit(found)
    unseen = UnseenSessions(found.store, found.settings, found.clock, found.bridge.rechecks.ask_unseen)
    background.each_minute_apart = (unseen.look, *_looks_at_accounts(found))
    background.errands = _errands(found).do_due
    heard = measuring.counts_for_notices, measuring.count_notice
    telling = telling_of(found.store, found.settings, found.upkeep, found.clock, *heard)
    background.each_second_apart = telling.each_second
    background.each_minute_apart = (*background.each_minute_apart, *telling.each_minute)
    background.start(*found.observers)
    return background
