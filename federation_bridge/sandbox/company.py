"""The example company as a whole: its people, its identity provider, its AWS accounts, and the bridge between them.

Everything answers on this machine only. The bridge may run in a process of its own, as an operator would start it, or
in threads of this process, which is quicker for tests.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from flask import Flask

from federation_bridge.app import create_app
from federation_bridge.errors import Unavailable
from federation_bridge.sandbox import estate, operated
from federation_bridge.sandbox.aws.app import serve_local_aws
from federation_bridge.sandbox.aws.local_aws import LocalAws, make_local_aws
from federation_bridge.sandbox.browser import Browser
from federation_bridge.sandbox.company_accounts import provision, provision_estate
from federation_bridge.sandbox.company_files import CLIENT_ID, Addresses, Files, RulebookSource
from federation_bridge.sandbox.directory import Directory, example_company
from federation_bridge.sandbox.identity_provider.application import ServedIdentityProvider, serve_identity_provider
from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.provisioning import Provisioning
from federation_bridge.sandbox.identity_provider.styles import StyleName
from federation_bridge.sandbox.serving import Served, held_port, serve
from federation_bridge.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Premises:
    """Where the parts of the company listen (0: at a port that is free), and how much there is of it."""

    bridge_port: int = 0
    provider_port: int = 0
    aws_port: int = 0
    has_estate: bool = False
    """Whether it has forty more accounts, and somebody who has 200 roles there."""


_SMALL = Premises()
_STARTS_WITHIN = 90.0
_ENDS_WITHIN = 15.0
_FIRST_RULES = "the rules of the example company"
"""Why the first version of the rulebook is there."""


@dataclass(slots=True)
class Company:
    """Where everything is, while `open_company` holds it open."""

    folder: Path
    settings: Settings
    addresses: Addresses
    provider: IdentityProvider
    local: LocalAws
    directory: Directory = field(init=False)

    def __post_init__(self) -> None:
        self.directory = self.provider.directory

    @property
    def bridge(self) -> str:
        """The bridge's address."""
        return self.addresses.bridge

    @property
    def rules(self) -> Path:
        """The rules file. With the rulebook in files, a change of it holds at the next click."""
        return self.folder / "rules.yaml"

    @property
    def has_pages_that_change(self) -> bool:
        """Whether the rulebook lies in the database, where the pages of administrators change it."""
        return self.settings.rulebook.source == "database"

    def connect_by_scim(self) -> None:
        """Lets the company's directory tell the bridge of everybody, and from then on of each change.

        Unavailable where no token is made: the operator's own command makes it.
        """
        words = ("scim", "token", "new", "company", "--settings", str(self.folder / "settings.yaml"))
        said = dict(line.split(": ", 1) for line in _operated(*words).splitlines())
        provisioning = Provisioning(said["Address"].strip(), said["Token"].strip(), "entra")
        provisioning.follow(self.directory)

    def end_session(self, access_key_id: str) -> None:
        """Lets the AWS session of these credentials reach its end now, as if its time had passed."""
        state = self.local.state
        with state.lock:
            session = state.sessions[access_key_id]
            state.sessions[access_key_id] = replace(session, expires_at=state.now() - timedelta(seconds=1))


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What stands before the bridge starts."""

    folder: Path
    client_secret: str
    identity_provider: ServedIdentityProvider
    local: LocalAws
    aws: Served
    edit_settings: Callable[[str], str]
    rulebook: RulebookSource
    premises: Premises

    def write_files(self, bridge: str) -> tuple[Addresses, Path]:
        addresses = Addresses(bridge, self.identity_provider.provider.address, self.aws.address)
        today = datetime.now(UTC).date()
        files = Files(addresses, self.client_secret, today, self.rulebook, self.premises.has_estate)
        settings_file = files.write(self.folder)
        settings_file.write_text(self.edit_settings(settings_file.read_text(encoding="utf-8")), encoding="utf-8")
        return addresses, settings_file

    def apply_rules(self, settings_file: Path) -> None:
        """Makes the first version of the rulebook as an operator does; nothing where files are the truth."""
        if self.rulebook == "files":
            return
        files = (str(self.folder / "rules.yaml"), str(self.folder / "accounts.yaml"))
        words = ("rules", "apply", *files, "--reason", _FIRST_RULES, "--author", "operator")
        _operated(*words, "--settings", str(settings_file))

    def stop(self) -> None:
        self.aws.stop()
        self.identity_provider.served.stop()


@contextmanager
def open_company(
    folder: Path,
    *,
    in_this_process: bool = False,
    style: StyleName = "okta",
    edit_settings: Callable[[str], str] = str,
    rulebook: RulebookSource = "files",
    premises: Premises = _SMALL,
) -> Iterator[Company]:
    """Opens the company in `folder` (its files and the bridge's data go there) and closes it in the end.

    `style`: whose product the identity provider resembles. `edit_settings`: what the administrator changes in the
    settings file before the bridge starts. `rulebook`: where the rules lie. `premises`: which ports, how many accounts.

    Raises:
        ConfigurationInvalid: a port is taken.
        Unavailable: the bridge did not start; its own words are in `folder`/bridge.log.
    """
    surroundings = _open_surroundings(folder, style, edit_settings, rulebook, premises)
    start = _serve_bridge if in_this_process else _spawn_bridge
    try:
        addresses, settings_file, stop = start(surroundings)
        try:
            yield _introduced(surroundings, addresses, load_settings(settings_file))
        finally:
            stop()
    finally:
        surroundings.stop()


def _open_surroundings(
    folder: Path, style: StyleName, edit: Callable[[str], str], rulebook: RulebookSource, premises: Premises
) -> _Surroundings:
    local, people = make_local_aws(), (estate.OPERATOR,) if premises.has_estate else ()
    aws = serve_local_aws(local, port=premises.aws_port)
    try:
        served = serve_identity_provider(
            lambda address: IdentityProvider(address, example_company(*people), style=style),
            port=premises.provider_port,
        )
    except BaseException:
        aws.stop()
        raise
    return _Surroundings(folder, secrets.token_urlsafe(24), served, local, aws, edit, rulebook, premises)


def _introduced(surroundings: _Surroundings, addresses: Addresses, settings: Settings) -> Company:
    """Makes the parts known to each other, as administrators do once: metadata here, a client there."""
    provider, browser = surroundings.identity_provider.provider, Browser()
    sp_metadata = browser.open(f"{addresses.bridge}/sign-in/company/metadata").body
    provider.register_service_provider(sp_metadata.encode())
    redirect_uri = f"{addresses.bridge}/sign-in/company-oidc/oidc"
    told_at = f"{addresses.bridge}/oidc/company-oidc/backchannel-logout"
    client = OidcClient(
        CLIENT_ID,
        (redirect_uri,),
        surroundings.client_secret,
        back_channel_logout_uri=told_at,
        post_logout_redirect_uris=(f"{addresses.bridge}/signed-out",),
    )
    provider.register_client(client)
    iam_metadata = browser.open(f"{addresses.bridge}/saml/metadata").body.encode()
    provision(surroundings.local, addresses.bridge, settings.saml_entity_id, iam_metadata)
    if surroundings.premises.has_estate:
        provision_estate(surroundings.local, settings.saml_entity_id, iam_metadata)
    return Company(surroundings.folder, settings, addresses, provider, surroundings.local)


def _operated(*words: str) -> str:
    """What an operator's command says that ends well; Unavailable with its words where it does not."""
    status, told, said = operated.run(words)
    if status:
        raise Unavailable(f"federation-bridge {' '.join(words[:2])} failed: {told}{said}")
    return told


_Started = tuple[Addresses, Path, Callable[[], None]]


def _serve_bridge(surroundings: _Surroundings) -> _Started:
    written: list[tuple[Addresses, Path]] = []
    made: list[Flask] = []

    def make(address: str) -> Flask:
        written.append(surroundings.write_files(address))
        made.append(create_app(load_settings(written[0][1])))
        return made[0]

    served = serve(make, port=surroundings.premises.bridge_port)

    def stop() -> None:
        served.stop()
        made[0].extensions["federation_bridge"].store.close()

    try:
        surroundings.apply_rules(written[0][1])
    except BaseException:
        stop()
        raise
    return *written[0], stop


def _spawn_bridge(surroundings: _Surroundings) -> _Started:
    if surroundings.premises.bridge_port:
        return _spawn_bridge_at(surroundings, surroundings.premises.bridge_port)
    with held_port() as port:
        return _spawn_bridge_at(surroundings, port)


def _spawn_bridge_at(surroundings: _Surroundings, port: int) -> _Started:
    addresses, settings_file = surroundings.write_files(f"http://127.0.0.1:{port}")
    log = surroundings.folder / "bridge.log"
    with log.open("wb") as output:
        process = operated.begin(("serve", "--settings", str(settings_file)), surroundings.folder, output)
    try:
        _wait_until(process, f"{addresses.bridge}/healthz", log)
        surroundings.apply_rules(settings_file)
        # With its rulebook in the database it is not ready before there are rules.
        _wait_until(process, f"{addresses.bridge}/readyz", log)
    except BaseException:
        _end(process)
        raise
    return addresses, settings_file, lambda: _end(process)


def _wait_until(process: operated.Process, address: str, log: Path) -> None:
    browser, give_up_at = Browser(), time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            if browser.open(address).status == HTTPStatus.OK:
                return
        except OSError:  # nobody listens yet, or a busy machine lets it wait
            pass
        time.sleep(0.05)
    raise Unavailable(f"the bridge did not start; it said: {log.read_text(encoding='utf-8')[-2000:]}")


def _end(process: operated.Process) -> None:
    process.terminate()
    try:
        process.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
