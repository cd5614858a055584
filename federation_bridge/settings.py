"""Everything configurable, validated when the service starts. An unknown name is refused with the nearest known one.

Settings come from one YAML file; secrets are named by file or environment variable and never stand in it.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from federation_bridge.aws_limits import LONGEST_SESSION, SHORTEST_SESSION
from federation_bridge.durations import parse_duration
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.private_files import check_private

_CONNECTION = re.compile(r"[a-z][a-z0-9-]{0,31}")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_LONGEST_SECRET = 100_000
_LAST_PORT = 65_535
_LONGEST_NAME = 256
_DEEPEST_CLAIM = 8
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def _as_duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_as_duration)]
Network = Annotated[str, BeforeValidator(lambda text: str(ipaddress.ip_network(text)))]


def is_loopback(url: str) -> bool:
    """Whether the host of this URL is this machine by name or literal address; no look-up is made."""
    return (urlsplit(url).hostname or "") in _LOOPBACK_NAMES


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password or parts.fragment or any(ch <= " " for ch in url):
        raise ValueError("an address carries no user name, fragment or blank")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)):
        return url
    raise ValueError(f"{url!r} must begin with https:// (http:// only to this machine)")


_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?")


def _checked_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is not a host in lower case, with `:port` at most")
    return host.removesuffix(":443")


Host = Annotated[str, BeforeValidator(_checked_host)]
Url = Annotated[str, BeforeValidator(_checked_url)]


def _checked_place(place: object) -> object:
    steps = [place] if isinstance(place, str) else place
    names = steps if isinstance(steps, list | tuple) else []
    if not 0 < len(names) <= _DEEPEST_CLAIM or not all(_is_name(one) for one in names):
        raise ValueError(f"write a claim's name, or a list of at most {_DEEPEST_CLAIM} that leads to one inside others")
    return place


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME


ClaimPlace = Annotated[str | tuple[str, ...], BeforeValidator(_checked_place)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Secret(_Part):
    """Where a secret lies: a file, or an environment variable. Read when it is used first, never printed."""

    file: Path | None = None
    """The file that holds it."""
    environment: str | None = None
    """The environment variable that holds it."""

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if (self.file is None) == (self.environment is None):
            raise ValueError("a secret lies in either `file` or `environment`")
        return self

    def read(self) -> str:
        """The secret's text without the final line break.

        ConfigurationInvalid where it is not there, or in a file that others can read.
        """
        if self.environment is not None:
            value = os.environ.get(self.environment, "")
        else:
            try:
                value = _read_private(Path(str(self.file)))
            except OSError as problem:
                raise ConfigurationInvalid(f"the secret file {self.file} cannot be read: {problem.strerror}") from None
            except UnicodeDecodeError:
                raise ConfigurationInvalid(f"the secret file {self.file} is no text in UTF-8") from None
        if not value.strip():
            raise ConfigurationInvalid(f"the secret in {self.environment or self.file} is empty")
        return value.rstrip("\r\n")


def _read_private(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        check_private(path, os.fstat(file.fileno()), "the secret file")
        return file.read(_LONGEST_SECRET)


class _Connection(_Part):
    """What every connection to an identity provider has."""

    title: str = Field(min_length=1, max_length=80)
    """What people read on the choice page."""
    preset: Literal["entra", "okta", "google", "generic"] = "generic"
    """Which identity provider it is: knows the names of its claims."""
    email_domains: tuple[str, ...] = ()
    """People who type an address of these domains are led to this connection."""
    verified_email_domains: tuple[str, ...] = ()
    """Domains in which this identity provider alone hands out addresses, so that its word on them holds."""
    networks: tuple[Network, ...] = ()
    """Private networks that this one connection may reach (an identity provider on the premises)."""
    endpoint_hosts: tuple[Host, ...] = ()
    """Hosts (`name` or `name:port`) on which endpoints of this identity provider may lie without an administrator's
    yes, besides the issuer's own and those that the preset knows. Else a move waits: `federation-bridge metadata
    accept`."""
    subject: str | None = None
    """Claim or attribute that identifies a person for good; None: as the preset says."""
    email: str | None = None
    """Claim or attribute with the e-mail address; None: as the preset says."""
    name: str | None = None
    """Claim or attribute with the name that people read; None: as the preset says."""
    skew: Duration = timedelta(seconds=60)
    """How far the identity provider's clock may be off; at most 120s."""
    max_age: Duration | None = None
    """How long ago the person may have authenticated at the identity provider; checked in the answer. OIDC providers
    are told; a SAML request cannot tell it, so whoever has an older session there has to end that first."""
    max_session: Duration | None = None
    """A sign-in through this connection holds no longer than this."""

    @field_validator("email_domains", "verified_email_domains")
    @classmethod
    def _domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(f"{domain!r} is not a domain in lower case")
        return domains

    @field_validator("skew")
    @classmethod
    def _skew(cls, skew: timedelta) -> timedelta:
        if not timedelta(0) <= skew <= timedelta(seconds=120):
            raise ValueError("skew lies between 0s and 120s")
        return skew


class SamlConnection(_Connection):
    """An identity provider that speaks SAML 2.0."""

    protocol: Literal["saml"]
    """`saml`"""
    metadata_file: Path | None = None
    """The identity provider's metadata as a file; a changed one holds for the very next message."""
    metadata_url: Url | None = None
    """The identity provider's metadata by address; refreshed in the background, and for a message whose key is
    unknown; the last good one is kept."""
    metadata_signing_certificate: Path | None = None
    """Demands that the metadata be signed by this certificate's key."""
    metadata_refresh: Duration = timedelta(hours=1)
    """How often the metadata is looked at again when nothing asks for it."""
    hold_new_keys: bool = False
    """A signing key that appears in refreshed metadata waits for a yes (`federation-bridge metadata accept`)."""
    idp_entity_id: str | None = None
    """The identity provider's entityID; needed where the metadata describes several."""
    request_binding: Literal["redirect", "post"] = "redirect"
    """How our signed AuthnRequest travels."""
    signed: Literal["either", "assertion", "response", "both"] = "either"
    """What must be signed. Whatever is signed must verify in any case."""
    encryption: Literal["allowed", "required", "refused"] = "allowed"
    """Whether assertions may or must be encrypted to us (AES-GCM, RSA-OAEP)."""
    allow_cbc: bool = False
    """AES-CBC is taken only under a Response signature that was verified first."""
    allow_idp_initiated: bool = False
    """Whether people may come unasked, by a tile of the identity provider; they confirm on a page of ours first."""
    force_authn: bool = False
    """Asks the identity provider to authenticate anew for each sign-in; AuthnInstant must tell that it did."""
    subject_kind: Literal["lasting", "email"] = "lasting"
    """What the subject is. `lasting`: it never passes to another person, so a NameID that is an e-mail address is
    refused, and so is a `subject` that names one. `email`: an address is taken, though whoever gets it later gets the
    access of who had it before."""
    groups: str | None = None
    """Attribute that names the groups; None: as the preset says."""
    name_id_format: str | None = None
    """NameIDPolicy Format to ask for; None: the identity provider's own choice."""

    @model_validator(mode="after")
    def _one_source(self) -> SamlConnection:
        if (self.metadata_file is None) == (self.metadata_url is None):
            raise ValueError("give either `metadata_file` or `metadata_url`")
        return self

    @model_validator(mode="after")
    def _anew_is_asked_for(self) -> SamlConnection:
        if self.force_authn and self.allow_idp_initiated:
            raise ValueError("`force_authn` cannot be asked of answers that come unasked (`allow_idp_initiated`)")
        return self


class OidcConnection(_Connection):
    """An identity provider that speaks OpenID Connect."""

    protocol: Literal["oidc"]
    """`oidc`"""
    issuer: Url
    """The issuer, exactly as it stands in its discovery document and tokens."""
    client_id: str = Field(min_length=1, max_length=256)
    """The client id that the identity provider gave us."""
    client_secret: Secret | None = None
    """None: we authenticate with private_key_jwt, with a key of our own (`federation-bridge keys show`)."""
    public_client: bool = False
    """The identity provider knows us as a public client (`token_endpoint_auth_method: none`): PKCE alone binds a code
    to the browser that left. Only where it gives out neither a secret nor takes a key."""
    discovery_url: Url | None = None
    """Where the discovery document lies, if not at the issuer's well-known address; the issuer in it must be `issuer`
    all the same."""
    audiences: tuple[Annotated[str, Field(min_length=1, max_length=_LONGEST_NAME)], ...] = ()
    """Further audiences that an ID token may name beside `client_id`, each by its name (Zitadel: the project's id and
    its other clients); `azp` must then name us. A token that names any other is refused."""
    groups: ClaimPlace | None = None
    """Claim that names the groups; None: as the preset says. A text is one claim's name, dots and all; a list leads to
    a claim inside others: `[realm_access, roles]`."""
    groups_from: Literal["id_token", "userinfo"] = "id_token"
    """Where the groups stand: in the ID token, or (`userinfo`) only at the provider's userinfo endpoint, which is then
    asked at each sign-in. Everything else comes from the ID token alone."""
    email_verified_text: bool = False
    """Believes `email_verified` also where the provider writes the text `true` in place of the truth value (Cognito,
    PingFederate). With the preset `generic` only: the others' providers write a truth value."""
    algorithms: tuple[Literal["RS256", "PS256", "ES256"], ...] = ("RS256",)
    """Signature algorithms of ID tokens that are taken; never what a token or its issuer says."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """Scopes to ask for."""
    response_mode: Literal["query", "form_post"] = "query"
    """How the answer comes back."""
    tenants: tuple[str, ...] = ()
    """Entra: tenant ids that may sign in. Google: hosted domains (`hd`)."""
    prompt: Literal["login", "select_account"] | None = None
    """Asks the identity provider to show its sign-in, or its choice of accounts, each time; with `login` its answer
    must tell by `auth_time` that it did."""

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> OidcConnection:
        if self.public_client and self.client_secret is not None:
            raise ValueError("a `public_client` has no `client_secret`: leave one of them out")
        return self

    @field_validator("scopes")
    @classmethod
    def _openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("`scopes` must name openid")
        return scopes


Connection = Annotated[SamlConnection | OidcConnection, Field(discriminator="protocol")]


class Keys(_Part):
    """Our private keys lie sealed in the database; this is the key that seals them."""

    sealing_key: Secret | None = None
    """32 bytes, base64. None: a file of mode 0600 in the data folder, made at the first start (one machine only)."""


class Audit(_Part):
    """Where audit events go besides the database, and how much is kept of refusals that belong to nobody."""

    also_to: Literal["nowhere", "stdout"] | Path = "stdout"
    """Where audit events go after the database has them: `stdout`, `nowhere`, or a file."""
    refusals_kept: int = Field(default=100_000, ge=1_000, le=100_000_000)
    """How many refusals that belong to nobody are kept whole, up to 4 kB each; the oldest give way."""
    refusals_age: Duration = timedelta(days=7)
    """How long such a refusal is kept at the most."""


class SessionLimits(_Part):
    """How long a person stays signed in at the bridge."""

    idle: Duration = timedelta(hours=1)
    """A session that nobody uses ends after this."""
    absolute: Duration = timedelta(hours=12)
    """Every session ends after this at the latest."""


class Aws(_Part):
    """How AWS is reached."""

    home_regions: Mapping[str, tuple[str, ...]] = Field(
        default_factory=lambda: {
            "aws": ("us-east-1", "us-west-2"),
            "aws-cn": ("cn-north-1", "cn-northwest-1"),
            "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
            "aws-eusc": ("eusc-de-east-1",),
        }
    )
    """For each partition the regions whose STS is asked, in order: the second where the first does not answer."""
    default_duration: Duration = timedelta(hours=1)
    """How long an AWS session lasts when nobody asks for anything else."""
    console: Literal["auto", "federation"] = "auto"
    """auto: the self-posting form where AWS enforces all of a grant from it, else the federation endpoint."""
    connect_timeout: Duration = timedelta(seconds=3)
    """How long a connection to AWS may take to open."""
    read_timeout: Duration = timedelta(seconds=10)
    """How long AWS may take to answer."""
    total_timeout: Duration = timedelta(seconds=15)
    """How long a grant may wait for STS in all, over tries and regions."""
    local_endpoint: Url | None = None
    """A local AWS for trying things out: answers for STS, sign-in and console. Only on this machine."""

    @field_validator("default_duration")
    @classmethod
    def _sold_by_aws(cls, duration: timedelta) -> timedelta:
        if not SHORTEST_SESSION <= duration <= LONGEST_SESSION:
            raise ValueError("`default_duration` is between 15m and 12h: AWS sells no other sessions")
        return duration

    @field_validator("total_timeout")
    @classmethod
    def _within_a_statements_life(cls, timeout: timedelta) -> timedelta:
        # Ten minutes after a grant nobody waits for its outcome any more (`grant.outcome_unknown`).
        if not timedelta(seconds=1) <= timeout <= timedelta(minutes=4):
            raise ValueError("`total_timeout` is between 1s and 4m: a statement is good for five minutes")
        return timeout

    @field_validator("local_endpoint")
    @classmethod
    def _only_here(cls, url: str | None) -> str | None:
        if url is not None and not is_loopback(url):
            raise ValueError("`local_endpoint` is for a local AWS on this machine only")
        return url


class Outgoing(_Part):
    """How everything that we fetch is fetched. Environment variables for proxies are not heeded."""

    proxy: Annotated[str, Field(pattern=r"^http://[A-Za-z0-9.\-\[\]:]+/?$")] | None = None
    """`http://host:port`; everything that goes through it is encrypted to its end."""
    ca_bundle: Path | None = None
    """Certificate authorities to trust instead of the system's, as a PEM file."""
    timeout: Duration = timedelta(seconds=5)
    """How long one fetch may take in all."""


class CommandLine(_Part):
    """How command lines (`fedbridge`, stock AWS clients) are let in."""

    device_flow: bool = True
    """Whether a code may be typed in a browser to let in a program that has none (RFC 8628). What limits this
    limits the code that a person carries to `aws login --remote` too."""
    device_flow_connections: tuple[str, ...] | None = None
    """Connections whose people may do so; None: all."""
    device_flow_refused_groups: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """For each connection the groups whose people may not: those with the most power, for example."""
    fresh_sign_in: Duration = timedelta(minutes=15)
    """To approve a device, a person must have signed in at the identity provider no longer ago than this."""
    refuse_other_address: bool = False
    """Refuses an approval from another address than the one that asked for the code; else the page warns. A code for
    `aws login --remote` is then good only at the address that approved it."""
    web_identity_files: bool = False
    """Whether a signed token may leave the bridge for `AWS_WEB_IDENTITY_TOKEN_FILE`: of roles that the register allows
    (`web_identity_file`), where AWS enforces the whole grant (docs/aws-clients.md)."""
    geoip: Path | None = None
    """A MaxMind DB file that tells the place of an address (needs the extra `geoip`); None: "unknown"."""


class Serving(_Part):
    """The web server."""

    listen: str = Field(default="127.0.0.1:8400", pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]*):[0-9]{1,5}$")
    """Address and port to listen on; an IPv6 address in brackets."""
    workers: int = Field(default=2, ge=1, le=64)
    """Processes; one for each core is a good number."""
    threads: int = Field(default=8, ge=1, le=64)
    """Threads in each process. A thread works on whole requests only; health, readiness, metrics and what AWS reads
    have a few of their own."""
    waiting_requests: int = Field(default=100, ge=1, le=10_000)
    """How many whole requests may wait for a thread of a process; more are answered 503 at once."""
    connections: int = Field(default=10_000, ge=64, le=1_000_000)
    """How many connections a process keeps open; for one more, the one that has been idle longest is closed."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose X-Forwarded-For is believed; nobody else's is, and no other header (`Forwarded`) ever."""
    request_timeout: Duration = timedelta(seconds=10)
    """How long a client may take to send one request; whoever needs longer is heard no more."""
    drain_time: Duration = timedelta(0)
    """How long the service goes on when it is told to stop, while /readyz already says no: give it as long as your
    load balancer needs to notice."""
    shutdown_timeout: Duration = timedelta(seconds=20)
    """How long requests in flight may take to finish after that; no new connection is taken meanwhile."""
    metrics_networks: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")
    """Who may read /metrics."""

    @field_validator("listen")
    @classmethod
    def _port(cls, listen: str) -> str:
        if int(listen.rpartition(":")[2]) > _LAST_PORT:
            raise ValueError(f"there is no port above {_LAST_PORT}")
        return listen


class Settings(_Part):
    """All settings. `load_settings` makes them."""

    base_url: Url
    """The address that people use; every address of ours is built from it, never from a request."""
    entity_id: str | None = None
    """Our SAML entityID towards identity providers and AWS; None: `base_url` + `/saml/metadata`."""
    aws_issuer: Url | None = None
    """Our issuer towards AWS on the OIDC road; None: `base_url`."""
    data: Path = Path()
    """Folder for what the embedded default keeps: the SQLite file and the sealing key."""
    database: str | None = None
    """SQLAlchemy URL (`postgresql+psycopg://...`); None: SQLite in the data folder."""
    database_password: Secret | None = None
    """The database's password, kept out of the address."""
    rules: Path
    """The file of rules: who gets which role."""
    accounts: Path
    """The register of accounts and roles that may be granted at all."""
    connections: Mapping[str, Connection] = Field(min_length=1)
    """The identity providers, by a short name each."""
    keys: Keys = Keys()
    audit: Audit = Audit()
    sessions: SessionLimits = SessionLimits()
    sign_in_lifetime: Duration = timedelta(minutes=10)
    """How long a person may take at the identity provider."""
    aws: Aws = Aws()
    outgoing: Outgoing = Outgoing()
    command_line: CommandLine = CommandLine()
    serving: Serving = Serving()

    @field_validator("connections")
    @classmethod
    def _connection_names(cls, connections: Mapping[str, Connection]) -> Mapping[str, Connection]:
        for name in connections:
            if not _CONNECTION.fullmatch(name):
                raise ValueError(f"{name!r}: a connection is named with a-z, 0-9 and -, at most 32")
        return connections

    @model_validator(mode="after")
    def _connections_of_the_device_flow(self) -> Settings:
        flow = self.command_line
        for name in (*(flow.device_flow_connections or ()), *flow.device_flow_refused_groups):
            if name not in self.connections:
                raise ValueError(f"`command_line` names the connection {name!r}, which there is not")
        return self

    @field_validator("base_url")
    @classmethod
    def _no_path(cls, url: str) -> str:
        if urlsplit(url).path not in ("", "/") or urlsplit(url).query:
            raise ValueError("`base_url` has no path: the bridge needs a host of its own for its __Host- cookies")
        return url.rstrip("/")

    @property
    def saml_entity_id(self) -> str:
        """Our SAML entityID."""
        return self.entity_id or f"{self.base_url}/saml/metadata"

    @property
    def issuer(self) -> str:
        """Our issuer on the OIDC road, exactly as it stands in `iss`."""
        return self.aws_issuer or self.base_url

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL without the password."""
        return self.database or f"sqlite:///{self.data.resolve() / 'bridge.db'}"


def load_settings(path: Path) -> Settings:
    """The settings in this YAML file, relative paths taken from its folder; ConfigurationInvalid says what to mend."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigurationInvalid(f"{path}: cannot be read: {problem.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ConfigurationInvalid(f"{path}: is not YAML: {problem}") from None
    if not isinstance(document, dict):
        raise ConfigurationInvalid(f"{path}: must hold settings as `name: value` lines")
    return settings_from(document, folder=path.resolve().parent, origin=str(path))


def settings_from(document: Mapping[str, Any], folder: Path, origin: str = "settings") -> Settings:
    """The settings in `document`, its relative paths taken from `folder`; ConfigurationInvalid names every mistake."""
    try:
        settings = Settings.model_validate(document)
    except ValidationError as mistakes:
        lines = [_sentence(error) for error in mistakes.errors()]
        raise ConfigurationInvalid(f"{origin}: " + "; ".join(lines)) from None
    rooted = _rooted(settings, folder)
    if not isinstance(rooted, Settings):  # pragma: no cover - _rooted keeps the type
        raise TypeError("settings lost their type")
    return rooted


def _rooted(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, BaseModel):
        changes = {name: _rooted(getattr(value, name), folder) for name in type(value).model_fields}
        return value.model_copy(update=changes)
    if isinstance(value, dict):
        return {name: _rooted(part, folder) for name, part in value.items()}
    return value


def _sentence(error: Any) -> str:
    location = [str(part) for part in error["loc"] if part not in ("saml", "oidc")]
    where = ".".join(location) or "the file"
    if error["type"] != "extra_forbidden":
        return f"{where}: {error['msg'].removeprefix('Value error, ')}"
    nearest = difflib.get_close_matches(location[-1], _known_names(location[:-1]), n=1, cutoff=0.5)
    hint = f"; did you mean `{nearest[0]}`?" if nearest else ""
    return f"{where}: there is no such setting{hint}"


def _known_names(location: list[str]) -> list[str]:
    if location[:1] == ["connections"]:
        if location[2:] == ["client_secret"]:
            return list(Secret.model_fields)
        return sorted({*SamlConnection.model_fields, *OidcConnection.model_fields})
    model: type[BaseModel] = Settings
    for name in location:
        annotation = model.model_fields[name].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)
    return list(model.model_fields)
