"""An auditor's weeks: access that begins and ends with the audit, and a trail that joins AWS's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION, rules_text
from federation_bridge.sandbox.scripted_user import ScriptedUser, caller_arn, read_object, write_object

READ_ONLY = [f"{PRODUCTION}/ReadOnly", f"{ANALYTICS}/ReadOnly"]


def test_within_its_dates_the_audit_may_read_and_not_write(company: Company) -> None:
    bruno = ScriptedUser(company, "bruno")
    bruno.sign_in()
    assert bruno.roles() == READ_ONLY
    credentials = bruno.credentials(f"{PRODUCTION}/ReadOnly")
    assert read_object(company, credentials, "production-reports", "2026/summary.txt")
    with pytest.raises(ClientError, match="AccessDenied"):
        write_object(company, credentials, "production-reports", "2026/finding.txt")


def test_why_says_until_when_and_which_rule_has_ended(company: Company) -> None:
    bruno = ScriptedUser(company, "bruno")
    bruno.sign_in()
    rules = {one["rule"]: one for one in bruno.call_api("GET", "/explanation").json()["rules"]}
    # As the company wrote them when it was opened: it may be another day by now.
    written = {one["id"]: one for one in yaml.safe_load(company.rules.read_text())["rules"]}
    begins, ends = written["company.audit"]["when"]["all"][1]["dates"].values()
    assert sorted(rules["company.audit"]["granted"]) == sorted(READ_ONLY)
    assert f"the rule holds until {ends + timedelta(days=1)}" in "; ".join(rules["company.audit"]["reasons"])
    assert rules["company.audit-of-last-year"]["granted"] == []
    assert rules["company.audit-of-last-year"]["reasons"] == [f"the rule ended on {ends - timedelta(days=365)}"]
    assert begins < datetime.now(UTC).date() < ends


@pytest.mark.parametrize(("days", "says"), [(-30, "the rule ended on"), (30, "the rule begins at")])
def test_outside_its_dates_the_audit_has_no_role(own_company: Company, eventually: Any, days: int, says: str) -> None:
    own_company.rules.write_text(rules_text(datetime.now(UTC).date() + timedelta(days=days)))
    bruno = ScriptedUser(own_company, "bruno")
    bruno.sign_in()
    assert eventually(lambda: bruno.roles() == [])
    rules = {one["rule"]: one for one in bruno.call_api("GET", "/explanation").json()["rules"]}
    assert says in "; ".join(rules["company.audit"]["reasons"])


def test_the_audit_trail_names_the_access_key_the_session_and_the_reason(company: Company, trail: Any) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in("company-oidc")
    credentials = ada.credentials(f"{PRODUCTION}/Administrator")
    events = trail(company)
    redeemed = next(one for one in events if one["details"].get("access_key_id") == credentials.access_key_id)
    made = next(one for one in events if one["event"] == "grant.made" and one["reference"] == redeemed["reference"])
    assert events.index(made) < events.index(redeemed)
    assert made["person"] == redeemed["person"] == "company-oidc/p-1001"
    assert made["details"]["grant_id"] == redeemed["details"]["grant_id"]
    assert caller_arn(company, credentials).endswith(made["details"]["session_name"])
    assert "you are in group 'platform-admins'" in made["details"]["because"]
    session = company.local.state.sessions[credentials.access_key_id]
    assert session.source_identity == made["details"]["source_identity"]


def test_the_trail_holds_no_secret(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    credentials = ada.credentials(f"{PRODUCTION}/Developer")
    written = (company.folder / "audit.jsonl").read_text()
    database = b"".join(path.read_bytes() for path in company.folder.glob("bridge.db*"))
    for secret in (credentials.secret_access_key, credentials.session_token, ada.person.password):
        assert secret not in written
        assert secret.encode() not in database


def test_what_a_session_is_called_at_aws_carries_the_department(company: Company) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in()
    credentials = ada.credentials(f"{PRODUCTION}/Administrator")
    assert company.local.state.sessions[credentials.access_key_id].tags == {"Department": "Platform"}
