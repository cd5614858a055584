"""`aws publish-keys`: what an operator's own credentials may do, each account learns; against a local AWS."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from documents.blocks import blocks
from local_aws_factories import ServedAws, metadata, policy, served, signer
from web_factories import ACCOUNT, door_of, write_files

from federation_bridge import system_clock
from federation_bridge.app import create_app
from federation_bridge.errors import AwsRefused, ConfigurationInvalid, Unavailable
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Groups, Identity, RequestOrigin, Session
from federation_bridge.operate import preparation
from federation_bridge.operate.commands import commands
from federation_bridge.operate.opening import looking_at
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.faults import Fault
from federation_bridge.sandbox.aws.state import AccountState
from federation_bridge.settings import load_settings
from federation_bridge.store.audit_log import AuditTable

OTHER, THIRD = "222233334444", "333344445555"
BLOCKS = blocks()
(COMMAND,) = BLOCKS["docs/aws.md console 4"].commands
RIGHTS = json.loads(BLOCKS["docs/aws.md json 3"].text)["Statement"]
"""What the page gives to whoever brings the keys: on the provider of its example account alone."""
ROLE = "security/BridgeKeys"


def rights_in(account: str) -> list[Any]:
    return json.loads(json.dumps(RIGHTS).replace(ACCOUNT, account))


def run(settings: Path, *words: str) -> Any:
    names = 2 if words[0] in ("aws", "keys", "issuer") else 1
    return CliRunner().invoke(commands, [*words[:names], "--settings", str(settings), *words[names:]])


@dataclass
class Company:
    """Three onboarded accounts: the operator is a user of the first, and the others have a role for them."""

    served_aws: ServedAws
    settings: Path
    environment: Any

    @property
    def accounts(self) -> list[AccountState]:
        return [self.served_aws.local.account(one) for one in (ACCOUNT, OTHER, THIRD)]

    def publish(self, *words: str) -> Any:
        return run(self.settings, "aws", "publish-keys", "--role-name", ROLE, *words)

    def told(self, *words: str) -> list[str]:
        ran = self.publish(*words)
        assert not ran.exception or isinstance(ran.exception, SystemExit), ran.exception
        return ran.stdout.splitlines()

    def documents(self) -> list[str]:
        """What AWS holds of us."""
        return [one.saml_providers["bridge"].metadata_text for one in self.accounts]

    def kids(self) -> list[str]:
        return [one["jwk"]["kid"] for one in json.loads(run(self.settings, "keys", "show").stdout)["aws-saml"]]

    def rotate(self) -> str:
        """A new key is published; gives its name."""
        before = set(self.kids())
        assert run(self.settings, "keys", "rotate", "aws-saml").exit_code == 0
        (new,) = set(self.kids()) - before
        return new

    def put(self, number: int, **changes: Any) -> None:
        provisioning.change_saml_provider(
            self.served_aws.local.state, self.accounts[number], "bridge", **changes
        )  # fmt: skip

    def put_role(self, account: AccountState, statements: list[Any]) -> None:
        """The role that the operator takes in this account, which may do this and no more."""
        account.roles.pop("BridgeKeys", None)
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}})
        allowed = {"keys": policy(*statements)}
        state = self.served_aws.local.state
        provisioning.put_role(state, account, "BridgeKeys", trust, permissions=allowed, path="/security/")

    def sign_in(self, *statements: Any) -> None:
        """The operator's credentials, where boto3 finds them."""
        account = self.accounts[0]
        name = f"operator{len(account.users)}"
        key = provisioning.put_user(self.served_aws.local.state, account, name, {"own": policy(*statements)})
        self.environment.setenv("AWS_ACCESS_KEY_ID", key.id)
        self.environment.setenv("AWS_SECRET_ACCESS_KEY", key.secret)

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What the audit has of providers, the oldest first."""
        app = create_app(load_settings(self.settings))
        with closing(door_of(app).store) as store:
            found = [one for one in store.audit.entries() if one.event.startswith("provider.")]
        return [(one.event, dict(one.details)) for one in reversed(found)]


def takes_a_role(settings: Path) -> str:
    """A person of this bridge asks for credentials; gives what AWS issued, or raises what it refused."""
    app = create_app(load_settings(settings))
    with closing(door_of(app).store) as store:
        now = datetime.now(UTC)
        who = Identity("corp", "ada", "Ada", email="ada@example.com", groups=Groups(("admins",)))
        session = Session(secrets.token_hex(32), who, now, now, now + timedelta(hours=8))
        store.sessions.admit(session, "https://idp.example.com", f"_{now.timestamp()}", now + timedelta(hours=1))
        caller = Caller(session, RequestOrigin("ref-1"))
        return door_of(app).bridge.credentials(caller, RoleRequest(ACCOUNT, "Administrator")).access_key_id


@pytest.fixture(scope="module")
def started_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("started")
    settings = write_files(folder)
    (one,) = yaml.safe_load((folder / "accounts.yaml").read_text())["accounts"]
    every = [yaml.safe_load(yaml.safe_dump(one).replace(ACCOUNT, account)) for account in (ACCOUNT, OTHER, THIRD)]
    named = [{**each, "name": f"{each['name']} {each['id']}"} for each in every]
    (folder / "accounts.yaml").write_text(yaml.safe_dump({"accounts": named}))
    preparation.prepare(load_settings(settings))
    return folder


@pytest.fixture
def company(started_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    folder = tmp_path / "etc"
    shutil.copytree(started_once, folder)
    settings = folder / "federation-bridge.yaml"
    with served() as served_aws:
        written = yaml.safe_load(settings.read_text())
        settings.write_text(yaml.safe_dump({**written, "aws": {"local_endpoint": served_aws.address}}))
        made = Company(served_aws, settings, monkeypatch)
        state = served_aws.local.state
        for account in made.accounts:
            account.roles.clear()
            account.saml_providers.clear()
            template = run(settings, "aws", "onboard", "--accounts", account.id).stdout
            provisioning.apply_template(state, account, template)
            made.put_role(account, rights_in(account.id))
        made.sign_in(*rights_in(ACCOUNT), {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
        yield made


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_a_key_rolls_through_every_account_with_the_page_s_rights_and_command(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(COMMAND)[1:]
    assert words == ["aws", "publish-keys", "--role-name", ROLE, "--write"]
    (old,) = company.kids()
    every = (ACCOUNT, OTHER, THIRD)
    current = [f"{one}: current" for one in every]
    assert company.told() == current
    assert run(company.settings, *words).exit_code == 0
    assert takes_a_role(company.settings)

    new = company.rotate()
    ran = company.publish()
    assert (ran.exit_code, ran.stdout.splitlines()) == (1, [f"{one}: to update: lacks key {new}" for one in every])
    ran = run(company.settings, *words)
    assert (ran.exit_code, ran.stdout.splitlines()) == (0, [f"{one}, updated just now" for one in current])
    assert company.told() == current
    # A copy of the bridge at this point signs with the old key for good.
    shutil.copytree(company.settings.parent, tmp_path / "old")
    with_old_key = tmp_path / "old" / "federation-bridge.yaml"
    assert takes_a_role(with_old_key)

    assert run(company.settings, "keys", "use", "aws-saml").exit_code == 0
    assert company.kids()[0] == new
    assert takes_a_role(company.settings)
    with monkeypatch.context() as later:
        instant = datetime.now(UTC) + timedelta(minutes=16)
        later.setattr(system_clock, "utc_now", lambda: instant)
        assert run(company.settings, "keys", "retire", "aws-saml").exit_code == 0
    assert company.told() == [f"{one}: to update: still believes the retired key {old}" for one in every]
    assert takes_a_role(with_old_key)
    assert run(company.settings, *words).exit_code == 0
    assert takes_a_role(company.settings)
    with pytest.raises(AwsRefused):
        takes_a_role(with_old_key)


def test_without_the_word_to_write_nothing_changes_here_or_there(company: Company) -> None:
    company.rotate()
    before = company.documents(), snapshot(company.settings.parent)
    assert company.publish().exit_code == 1
    assert (company.documents(), snapshot(company.settings.parent)) == before


def test_a_draft_of_the_rules_does_not_come_into_force_by_it(company: Company) -> None:
    rules = company.settings.parent / "rules.yaml"
    good = rules.read_text()
    rules.write_text(good.replace("group: admins", "group: contractors"))
    company.rotate()
    assert company.publish("--write").exit_code == 0
    rules.write_text(good.replace("group: admins", "grup: admins"))
    with looking_at(load_settings(company.settings)) as parts:
        assert parts.rulebook.problem
        assert "contractors" not in repr(parts.rulebook.in_force.rules)


def test_what_is_written_is_what_the_export_writes_and_nothing_else_of_the_provider_changes(
    company: Company, tmp_path: Path
) -> None:
    company.put(0, encryption="Allowed", add_private_key=signer("decrypts").private_pem.decode())
    before = company.accounts[0].saml_providers["bridge"]
    company.rotate()
    assert company.publish("--accounts", ACCOUNT, "--write").exit_code == 0
    assert run(company.settings, "issuer", "export", "--to", str(tmp_path / "public")).exit_code == 0
    after = company.accounts[0].saml_providers["bridge"]
    assert after.metadata_text == (tmp_path / "public" / "saml" / "metadata.xml").read_text("utf-8")
    assert replace(after, metadata=before.metadata, metadata_text=before.metadata_text) == before
    assert before.private_keys


def test_each_change_is_audited_before_and_after_and_what_is_current_is_not(company: Company) -> None:
    assert company.publish("--write").exit_code == 0
    assert company.events() == []
    (old,), new = company.kids(), company.rotate()
    assert company.publish("--accounts", OTHER, "--write").exit_code == 0
    about = {"account": OTHER, "arn": f"arn:aws:iam::{OTHER}:saml-provider/bridge", "kids": [old, new]}
    assert company.events() == [
        ("provider.update_asked", about),
        ("provider.update_settled", {**about, "state": "current", "told": ""}),
    ]


def test_what_the_audit_does_not_take_is_not_changed_in_aws(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    company.rotate()
    before = company.documents()

    def refused(*_: object) -> None:
        raise Unavailable("the audit takes nothing")

    with monkeypatch.context() as broken:
        broken.setattr(AuditTable, "record", refused)
        ran = company.publish("--write")
    assert isinstance(ran.exception, Unavailable)
    assert company.documents() == before
    assert company.publish("--write").exit_code == 0


def test_an_account_that_denies_does_not_stop_the_others(company: Company) -> None:
    reads = rights_in(OTHER)
    reads[0]["Action"] = "iam:GetSAMLProvider"
    company.put_role(company.accounts[1], reads)
    new = company.rotate()
    before = company.documents()
    ran = company.publish("--write")
    refused = "could not: the credentials may not call iam:UpdateSAMLProvider"
    assert (ran.exit_code, ran.stdout.splitlines()) == (
        1,
        [
            f"{ACCOUNT}: current, updated just now",
            f"{OTHER}: {refused}",
            f"{THIRD}: current, updated just now",
        ],
    )
    assert [now == then for now, then in zip(company.documents(), before, strict=True)] == [False, True, False]
    settled = [details for event, details in company.events() if event == "provider.update_settled"]
    assert [(one["account"], one["state"], one["kids"]) for one in settled if one["state"] != "current"] == [
        (OTHER, "could not", [])
    ]
    assert new in settled[0]["kids"]


def test_metadata_of_somebody_else_is_left_alone_and_told_as_what_it_is(company: Company) -> None:
    text = metadata().decode().replace("https://bridge.example.test/saml/metadata", "https://x.test/\u202e'\u200b")
    company.put(0, metadata=text.encode())
    told = company.told("--write")
    assert told[0] == (
        f"{ACCOUNT}: left alone: the provider's metadata is of 'https://x.test/\\u{{202e}}\\'\\u{{200b}}', "
        "and the bridge is https://aws.example.com/saml/metadata"
    )
    assert [one.rpartition(" ")[2] for one in told[1:]] == ["current", "current"]
    assert company.publish("--write").exit_code == 1
    assert company.documents()[0] == text
    assert company.events() == []


def test_a_key_of_somebody_else_is_named_and_goes(company: Company) -> None:
    mine = company.documents()[0]
    (own,) = re.findall(r"<md:KeyDescriptor.*?</md:KeyDescriptor>", mine, re.DOTALL)
    (other,) = re.findall(r"<(?:\w+:)?X509Certificate>([^<]+)<", metadata().decode())
    (ours,) = re.findall(r"<ds:X509Certificate>([^<]+)<", own)
    company.put(0, metadata=mine.replace(own, own + own.replace(ours, other)).encode())
    assert re.fullmatch(
        rf"{ACCOUNT}: to update: believes key [\w-]{{43}}, which the bridge does not publish", company.told()[0]
    )
    assert company.told("--write")[0] == f"{ACCOUNT}: current, updated just now"
    assert company.documents()[0] == mine


def test_what_cannot_be_reached_is_told_and_the_rest_is_done(company: Company) -> None:
    del company.accounts[1].roles["BridgeKeys"]
    del company.accounts[2].saml_providers["bridge"]
    absent = f"arn:aws:iam::{OTHER}:role/{ROLE}"
    assert company.told("--write") == [
        f"{ACCOUNT}: current",
        f"{OTHER}: could not: {absent} cannot be assumed: it is not there, or one side does not allow it",
        f"{THIRD}: no such provider: `federation-bridge aws onboard` makes it",
    ]
    assert company.publish("--write").exit_code == 1
    ran = run(company.settings, "aws", "publish-keys")
    assert f"{OTHER}: could not: the credentials are of account {ACCOUNT}: name with --role-name" in ran.stdout


def test_an_aws_that_does_not_answer_is_told_in_words(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    company.rotate()
    company.served_aws.local.faults.set(Fault("throttle", "iam", "UpdateSAMLProvider"))
    assert company.told("--accounts", ACCOUNT, "--write") == [
        f"{ACCOUNT}: could not: AWS has no time for iam:UpdateSAMLProvider (Throttling): run it again later"
    ]
    written = yaml.safe_load(company.settings.read_text())
    company.settings.write_text(yaml.safe_dump({**written, "aws": {"local_endpoint": "http://127.0.0.1:1"}}))
    (told,) = company.told("--accounts", ACCOUNT)
    assert told.startswith(f"{ACCOUNT}: could not: sts:GetCallerIdentity: AWS could not be asked: ")


class Proxy(BaseHTTPRequestHandler):
    """Lets STS through, and answers for IAM in its own words."""

    page = b""
    sts = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.page
        if b"GetCallerIdentity" in body:
            told = f"<GetCallerIdentityResult><Arn>{self.sts}</Arn></GetCallerIdentityResult>"
            answer = f"<GetCallerIdentityResponse>{told}</GetCallerIdentityResponse>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing on the error output."""


@pytest.mark.parametrize("page", ["<html><p>Sign in\x1b[2J to the network", "<html><p>Sign in</p></html>", ""])
def test_what_answers_in_aws_s_place_is_told_and_stops_nothing(company: Company, page: str) -> None:
    served_page = type("Page", (Proxy,), {"page": page.encode(), "sts": f"arn:aws:iam::{ACCOUNT}:user/operator"})
    with ThreadingHTTPServer(("127.0.0.1", 0), served_page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            written = yaml.safe_load(company.settings.read_text())
            address = f"http://127.0.0.1:{server.server_port}"
            company.settings.write_text(yaml.safe_dump({**written, "aws": {"local_endpoint": address}}))
            told = company.told("--write")
        finally:
            server.shutdown()
            thread.join()
    between = "something between here and AWS answered, such as a proxy or a firewall"
    assert told == [
        f"{ACCOUNT}: could not: iam:GetSAMLProvider: {between}",
        f"{OTHER}: could not: sts:AssumeRole: {between}",
        f"{THIRD}: could not: sts:AssumeRole: {between}",
    ]


def test_credentials_of_another_partition_write_nothing(company: Company) -> None:
    path = company.settings.parent / "accounts.yaml"
    registered = yaml.safe_load(path.read_text())["accounts"]
    china = yaml.safe_load(yaml.safe_dump(registered[1]).replace("arn:aws:", "arn:aws-cn:"))
    china |= {"region": "cn-north-1", "partition": "aws-cn"}
    path.write_text(yaml.safe_dump({"accounts": [registered[0], china]}))
    assert company.told("--write") == [
        f"{ACCOUNT}: current",
        f"{OTHER}: could not: the credentials are of the partition aws: run it again with some of aws-cn",
    ]


def test_of_accounts_with_an_oidc_provider_it_is_said_once_that_nothing_is_to_do(company: Company) -> None:
    path = company.settings.parent / "accounts.yaml"
    path.write_text(path.read_text().replace("saml-provider/bridge", "oidc-provider/aws.example.com"))
    ran = company.publish("--write", "--json")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert ran.stderr == (
        "note: 3 accounts have an OIDC provider: AWS fetches our keys from https://aws.example.com, and nothing is "
        "to do there\n"
    )


def test_for_programs_each_account_is_an_object(company: Company) -> None:
    (old,), new = company.kids(), company.rotate()
    shape = {
        "account": ACCOUNT,
        "provider": f"arn:aws:iam::{ACCOUNT}:saml-provider/bridge",
        "state": "to update",
        "told": f"lacks key {new}",
        "lacks": [new],
        "believes": [],
        "is_updated": False,
    }
    assert json.loads(company.told("--json")[0]) == shape
    assert old not in company.told("--json")[0]
    assert json.loads(company.told("--json", "--write")[0]) == {
        **shape, "state": "current", "told": "", "lacks": [], "is_updated": True
    }  # fmt: skip


def test_it_says_what_aws_check_says(company: Company) -> None:
    """Whatever `aws check` finds in a provider's content is something here, and nothing else is."""
    own = company.accounts[0]
    right = own.saml_providers["bridge"]
    company.sign_in({"Effect": "Allow", "Action": "*", "Resource": "*"})
    now = datetime.now(UTC)
    told = {}
    for name, changed in {
        "right": right,
        "ended": replace(right, valid_until=now - timedelta(days=1)),
        "ends": replace(right, valid_until=now + timedelta(days=9)),
        "encrypted": replace(right, encryption="Required"),
        "unreadable": replace(right, metadata_text="<x/>"),
        "of others": replace(right, metadata_text=metadata().decode()),
    }.items():
        own.saml_providers["bridge"] = changed
        checked = run(company.settings, "aws", "check", "--all", "--accounts", ACCOUNT)
        published = company.publish("--accounts", ACCOUNT)
        assert checked.exit_code == published.exit_code, (name, checked.stdout, published.stdout)
        told[name] = published.stdout.removeprefix(f"{ACCOUNT}: ").strip().partition(":")[0]
    assert told == {
        "right": "current",
        "ended": "to update",
        "ends": "to update",
        "encrypted": "could not",
        "unreadable": "could not",
        "of others": "left alone",
    }


@pytest.mark.parametrize("words", [("--role-name", "a b"), ("--accounts", "999999999999")])
def test_wrong_words_are_refused_before_aws_is_asked(company: Company, words: tuple[str, ...]) -> None:
    company.environment.delenv("AWS_ACCESS_KEY_ID")
    for write in ((), ("--write",)):
        assert isinstance(run(company.settings, "aws", "publish-keys", *words, *write).exception, ConfigurationInvalid)


def test_the_commands_that_roll_the_key_tell_this_one_first(company: Company) -> None:
    said = run(company.settings, "keys", "rotate", "aws-saml").stdout
    first, _, by_hand = said.partition("aws iam update-saml-provider")
    assert "`federation-bridge aws publish-keys --write`" in first
    assert by_hand
