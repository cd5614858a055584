"""Tables that list what the code has: no more rows than there are things, and no fewer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import click
import pytest
from aws_cli import aws_program
from aws_factories import CREDENTIALS
from documents.blocks import ROOT
from documents.tables import Table, tables
from web_factories import door_of, write_files

from federation_bridge.administration import provider_keys, review
from federation_bridge.app import create_app
from federation_bridge.aws import provider_check
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.cli.credentials.assumed import assuming
from federation_bridge.connectors import presets
from federation_bridge.connectors.signals.event import KINDS, VERIFICATION
from federation_bridge.durations import parse_duration
from federation_bridge.mapping.administration import AdministrativeRole
from federation_bridge.mapping.findings import FindingKind
from federation_bridge.mapping.reach import Reach
from federation_bridge.mapping.second_person import Marks
from federation_bridge.model.revocation import RevocationState
from federation_bridge.oauth.clients import CLIENTS
from federation_bridge.operate.check.finding import Kind
from federation_bridge.operate.commands import commands
from federation_bridge.sandbox import estate
from federation_bridge.sandbox.aws.sts import service as sts_service
from federation_bridge.sandbox.aws_cli import unpacked_cli
from federation_bridge.sandbox.directory import example_company
from federation_bridge.settings import load_settings
from federation_bridge.settings.aws import Aws
from federation_bridge.settings.oidc import OidcConnection
from federation_bridge.settings.portal import Portal
from federation_bridge.settings.rulebook import Rulebook
from federation_bridge.settings.saml import SamlConnection
from federation_bridge.signing.purposes import Purpose
from federation_bridge.web.pages import credential_texts

TABLES = tables()
ADMINISTRATION = "/api/v1/administration"
_IN_AN_ACCOUNT = "docs/revocation.md: What lies in an account"
_AGREED = ("title", "protocol", "client_id")
"""Settings of a connection that the README shows; their pages need not say them again."""


def option_names(*names: str) -> list[str]:
    """The options of a command of `federation-bridge`, but for its help."""
    command: click.Command | None = commands
    for name in names:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command is not None
    return [parameter.opts[0] for parameter in command.params if parameter.opts[0] not in {"--settings", "--help"}]


def formats_of_onboard() -> Iterable[str]:
    aws = commands.commands["aws"]
    assert isinstance(aws, click.Group)
    (form,) = (one for one in aws.commands["onboard"].params if one.name == "form")
    assert isinstance(form.type, click.Choice)
    return form.type.choices


def plain(table: Table) -> list[str]:
    return table.column()


def coded(table: Table) -> list[str]:
    return table.code()


def words_of_code(table: Table) -> list[str]:
    return [code.partition(" ")[0] for code in table.code()]


EXACT: Mapping[str, tuple[Callable[[Table], Iterable[str]], Callable[[], Iterable[str]]]] = {
    "docs/aws.md: All accounts at once": (coded, formats_of_onboard),
    "docs/aws.md: Each night": (coded, lambda: get_args(provider_check.Kind)),
    "docs/administration.md: Versions": (
        lambda table: words_of_code(table)[: len(table.rows)],
        lambda: get_args(Rulebook.model_fields["source"].annotation),
    ),
    "docs/aws.md: To every account": (coded, lambda: get_args(provider_keys.State)),
    "docs/aws.md: Keys": (coded, lambda: Purpose),
    "docs/sandbox.md: The local AWS": (words_of_code, lambda: option_names("sandbox", "aws")),
    "docs/sandbox.md: The demo 2": (
        coded,
        lambda: [*(person.login for person in example_company()), estate.OPERATOR[0]],
    ),
    "docs/portal.md: The operator's look": (coded, lambda: Portal.model_fields),
    "docs/portal.md: Credentials": (plain, credential_texts.SHOWN.values),
    "docs/audit.md: What it answers": (coded, lambda: set(option_names("audit")) - {"--most"}),
    "docs/administration.md: Foresee": (coded, lambda: FindingKind),
    "docs/administration.md: Access review": (coded, lambda: [*Reach, review.INCOMPLETE, review.NOBODY]),
    "docs/deployment.md: What `check` says": (coded, lambda: Kind),
    "docs/revocation.md: What it shows": (coded, lambda: RevocationState),
    "docs/rules.md: Who administers": (coded, lambda: AdministrativeRole),
    "docs/rules.md: A second person": (coded, lambda: [field.name for field in fields(Marks)]),
    "docs/oidc.md: Presets": (coded, lambda: presets.OIDC_PRESETS),
    "docs/saml.md: Presets": (coded, lambda: presets.SAML_PRESETS),
    "docs/authorization-server.md: Clients": (coded, lambda: CLIENTS),
    "docs/aws-deployment.md: Other partitions": (
        lambda table: [head.strip("`") for head in table.head[1:]],
        lambda: PARTITIONS.keys() - {"aws-eusc"},
    ),
    "docs/command-line.md: `assume`": (
        coded,
        lambda: [name for name, value in assuming({}, CREDENTIALS, "a/b", "").items() if value is not None],
    ),
    "docs/sign-out.md: Shared signals": (
        coded,
        lambda: {kind.rpartition("/")[2] for kind in [*KINDS, *VERIFICATION]},
    ),
}
"""Of a table: what stands in it, and what there is."""


@pytest.mark.parametrize("name", EXACT)
def test_a_table_lists_what_there_is(name: str) -> None:
    listed, there = EXACT[name]
    assert sorted(set(listed(TABLES[name]))) == sorted(set(there()))


# --------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "section"),
    [("docs/oidc.md: Settings", OidcConnection), ("docs/saml.md: Settings of a connection", SamlConnection)],
)
def test_the_settings_of_a_connection_are_there_and_the_protocol_s_own_are_all_told(name: str, section: Any) -> None:
    told = {code for code in TABLES[name].code() if code in section.model_fields}
    assert [cell for cell in TABLES[name].column() if told.isdisjoint(re.findall(r"`(\w+)`", cell))] == []
    own = section.model_fields.keys() - section.__mro__[1].model_fields.keys()
    assert own - told <= set(_AGREED)


def test_defaults_that_a_page_tells_are_the_ones_that_hold() -> None:
    rows = TABLES["docs/saml.md: Settings of a connection"].rows
    told = {row[0].strip("`"): row[1].strip("`") for row in rows if row[1].startswith("`")}
    assert len(told) >= 10
    for name, shown in told.items():
        default = SamlConnection.model_fields[name].default
        assert (parse_duration(shown) if isinstance(default, timedelta) else shown) == _written(default), name


def _written(default: Any) -> Any:
    return default if isinstance(default, timedelta) else str(default).lower()


def test_what_lies_in_an_account_has_the_names_that_the_settings_give() -> None:
    named = dict(re.findall(r"`([\w-]+)` \(`aws\.(\w+)`\)", " ".join(TABLES[_IN_AN_ACCOUNT].column(1))))
    assert named == {Aws.model_fields[name].default: name for name in named.values()}
    assert len(named) == 2


# -------------------------------------------------------------------------------------------------------- addresses


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """`GET /path` of each route, its variables as `{}`."""
    settings = load_settings(write_files(tmp_path_factory.mktemp("bridge")))
    app = create_app(settings, clock=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    door_of(app).store.close()
    return {
        f"{method} {re.sub('<[^>]+>', '{}', rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }


def told_routes(text: str) -> list[str]:
    """`GET /a`, `/a/{x}` and `POST /b/{x}/approve`, `/close` as routes: a word alone replaces the last one."""
    found: list[str] = []
    method = ""
    for code in re.findall(r"`((?:(?:GET|POST) )?/[^` ?]*)`", text):
        named, _, path = code.rpartition(" ")
        method = named or method
        path = re.sub(r"\{[^}]*\}", "{}", path)
        before = found[-1] if found else ""
        beside = before.rpartition("/")[0]
        found.append(f"{beside}{path}" if not named and "}/" in before and path.count("/") == 1 else f"{method} {path}")
    return found


def test_the_calls_for_programs_are_all_there_are(routes: set[str]) -> None:
    there = {route.replace(ADMINISTRATION, "") for route in routes if f" {ADMINISTRATION}/" in route}
    told = [one for cell in TABLES["docs/administration.md: For programs"].column() for one in told_routes(cell)]
    assert sorted(told) == sorted(route for route in there if route.startswith(("GET", "POST")))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("docs/authorization-server.md: The authorization server: how command lines are let in", 1),
        ("docs/deployment.md: Watching it", 0),
    ],
)
def test_addresses_of_a_table_are_routes(routes: set[str], name: str, column: int) -> None:
    paths = {route.partition(" ")[2] for route in routes}
    told = [one for cell in TABLES[name].column(column) for one in told_routes(cell) if one.strip() != "/api/v1"]
    assert [one for one in told if one not in routes and one.strip() not in paths] == []
    assert len(told) >= 3


# ------------------------------------------------------------------------------------------------------------ places


@pytest.mark.parametrize(
    ("name", "column", "folder"),
    [
        ("docs/sandbox.md: The demo", 2, "federation_bridge"),
        ("docs/kubernetes.md: What is yours", 0, "deploy/kubernetes/example"),
        ("docs/saml.md: What is checked, where, in which order", 1, "federation_bridge/connectors/saml"),
    ],
)
def test_files_of_a_table_are_there(name: str, column: int, folder: str) -> None:
    found = [
        [ROOT / folder / code, *(ROOT / folder).glob(f"{code.partition('.')[0]}.py")]
        for code in TABLES[name].code(column)
        if not code.startswith("bridge.")
    ]
    assert [paths[0] for paths in found if not any(path.exists() for path in paths)] == []
    assert len(found) >= 5


def test_the_calls_of_sts_are_those_that_the_local_aws_answers() -> None:
    (told,) = (row[1] for row in TABLES["docs/sandbox.md: What is there"].rows if row[0] == "STS")
    there = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", *sts_service._SIGNED}
    assert sorted(told.split(", ")) == sorted(there)


def test_clients_that_were_run_have_the_versions_that_are_run() -> None:
    told = " ".join(TABLES["docs/aws-clients.md: What has been run, and what has not"].column())
    (first,) = (unpacked_cli(1).search_path or ROOT).glob("awscli-*.dist-info")
    lock = json.loads((ROOT / "tests" / "real_clients" / "node" / "package-lock.json").read_text("utf-8"))
    sdk = lock["packages"]["node_modules/@aws-sdk/credential-providers"]["version"]
    versions = {aws_program().parent.parent.name, first.name.removesuffix(".dist-info").partition("-")[2], sdk}
    assert set(re.findall(r"\d+\.\d+\.\d+", told)) == versions
