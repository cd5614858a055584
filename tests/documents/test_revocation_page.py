"""What docs/revocation.md shows is what is written and what is needed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import yaml
from documents.blocks import ROOT, blocks

from federation_bridge.aws.revocations import Deny, composed
from federation_bridge.aws.revoking_permissions import PERMISSIONS
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.policy.evaluation import Request, Verdict, decide
from federation_bridge.settings import Aws

BLOCKS = blocks()
PAGE = (ROOT / "docs" / "revocation.md").read_text("utf-8")


def test_the_shown_policy_is_the_one_that_is_written() -> None:
    shown = json.loads(BLOCKS["docs/revocation.md json 1"].text)
    instant = datetime(2026, 11, 29, 12, 0, 30, tzinfo=UTC)

    assert shown == composed((), [Deny(instant, "corp-mei.lin-abcdefghijklmnop")]).document


def test_the_shown_guard_keeps_the_policy_from_being_attached_and_no_other() -> None:
    guard = parse_policy(BLOCKS["docs/revocation.md json 3"].text)

    def attached(policy: str, action: str = "iam:AttachRolePolicy") -> Verdict:
        arn = f"arn:aws:iam::111122223333:policy/{policy}"
        return decide([guard], Request(action, "arn:aws:iam::111122223333:role/x", {"iam:policyarn": (arn,)}))

    assert attached("federation-bridge-revocations") is Verdict.DENIED
    assert attached("federation-bridge-revocations", "iam:AttachUserPolicy") is Verdict.DENIED
    assert attached("other") is Verdict.SILENT
    assert attached("federation-bridge-revocations", "iam:PutRolePermissionsBoundary") is Verdict.SILENT


def test_the_shown_acceptance_is_taken() -> None:
    shown = yaml.safe_load(BLOCKS["docs/revocation.md yaml 1"].text)

    assert set(Aws(**shown["aws"]).attached_revocations) == {"111122223333"}


def test_the_shown_guard_keeps_the_attached_policy_from_roles_without_a_boundary() -> None:
    guard = parse_policy(BLOCKS["docs/revocation.md json 2"].text)

    def attached(policy: str, **bounds: tuple[str, ...]) -> Verdict:
        context: dict[str, tuple[str, ...]] = {"iam:policyarn": (f"arn:aws:iam::111122223333:policy/{policy}",)}
        context |= {f"iam:{key}": one for key, one in bounds.items()}
        return decide([guard], Request("iam:AttachRolePolicy", "arn:aws:iam::111122223333:role/x", context))

    name = "federation-bridge-revocations-attached"
    assert attached(name) is Verdict.DENIED
    assert attached(name, permissionsboundary=("arn:aws:iam::111122223333:policy/company",)) is Verdict.SILENT
    assert attached("other") is Verdict.SILENT


def test_every_permission_of_the_revoking_role_has_its_reason() -> None:
    _, _, section = PAGE.partition("### The permissions, and why they are least")
    rows = re.findall(r"^\| (`iam:[^|]+) \|", section.partition("\n###")[0], re.MULTILINE)

    assert sorted(re.findall(r"`(iam:\w+)`", " ".join(rows))) == sorted(PERMISSIONS)


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", PAGE)
    assert len(named) > 10
    assert [one for one in named if not (ROOT / one).exists()] == []
