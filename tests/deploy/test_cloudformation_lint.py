"""deploy/cloudformation: cfn-lint finds nothing in any template, for a region of each partition."""

from __future__ import annotations

from typing import Any

import pytest
from cloudformation_templates import NAMES, PARTITIONS, template, text

NOT_EVERYWHERE = "E3006"
"""CloudFront is not there, or not the same, in aws-cn and aws-us-gov: the condition `HasCloudFront` says so, at which
cfn-lint does not look. No other rule is left out."""


def problems(template_text: str, *regions: str) -> list[Any]:
    # Here, because each process that collects tests would take a second to load it.
    from cfnlint.api import ManualArgs, lint  # noqa: PLC0415 - it takes a second

    return list(lint(template_text, config=ManualArgs(regions=list(regions), include_checks=["I"])))


@pytest.mark.parametrize("name", NAMES)
def test_cfn_lint_finds_nothing_in_any_partition(name: str) -> None:
    found = problems(text(name), *PARTITIONS.values())
    assert [str(one) for one in found if one.rule.id != NOT_EVERYWHERE] == []
    missing = {template(name)["Resources"][str(one.path[1])].get("Condition") for one in found}
    assert missing <= {"HasCloudFront"}


def test_cfn_lint_sees_a_reference_to_nothing() -> None:
    wrong = text("issuer").replace("!Ref FiveMinutes", "!Ref TenMinutes")
    assert "TenMinutes" in str(problems(wrong, "eu-central-1")[0])
