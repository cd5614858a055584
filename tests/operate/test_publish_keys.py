# ruff: noqa: F811 - fixtures are named where they are asked for
"""`aws publish-keys`: what an operator's own credentials may do, each account learns; against a local AWS."""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from local_aws_factories import metadata, signer
from publish_keys_fixtures import BLOCKS, OTHER, ROLE, THIRD, Company, company, run, started_once  # noqa: F401 - fixtures
from web_factories import ACCOUNT, door_of

from federation_bridge import system_clock
from federation_bridge.app import create_app
from federation_bridge.errors import AwsRefused, ConfigurationInvalid, Unavailable
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Groups, Identity, RequestOrigin, Session
from federation_bridge.operate.opening import looking_at
from federation_bridge.settings import load_settings
from federation_bridge.store.audit_log import AuditTable

(COMMAND,) = BLOCKS["docs/aws.md console 4"].commands


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
