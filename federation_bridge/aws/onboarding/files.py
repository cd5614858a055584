"""The files of each format, by name: the same plans give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from federation_bridge.aws.onboarding import cloudformation, shell, terraform
from federation_bridge.aws.onboarding.plan import AccountPlan

Plans = Sequence[AccountPlan]


def files_of(plans: Plans, form: str) -> Mapping[str, str]:
    """Texts by file name for the accounts of these plans; KeyError for a format that is not in FORMATS."""
    return FORMATS[form](plans)


def _cloudformation(plans: Plans) -> dict[str, str]:
    return {
        f"{plan.id}{_part(number)}.json": text
        for plan in plans
        for number, text in enumerate(cloudformation.templates(plan))
    }


def _stack_set(plans: Plans) -> dict[str, str]:
    files: dict[str, str] = {}
    for place, (texts, same) in enumerate(cloudformation.alike(plans), 1):
        for number, text in enumerate(texts):
            files[f"stack-set-{place}{_part(number)}.json"] = text
        files[f"stack-set-{place}.accounts"] = cloudformation.accounts_of(same) + "\n"
    return files


def _terraform(plans: Plans) -> dict[str, str]:
    return {f"{plan.id}/main.tf": terraform.configuration(plan) for plan in plans}


def _cli(plans: Plans) -> dict[str, str]:
    return {f"{plan.id}.sh": shell.script(plan) for plan in plans}


def _json(plans: Plans) -> dict[str, str]:
    return {"accounts.json": json.dumps([asdict(plan) for plan in plans], indent=2, ensure_ascii=False) + "\n"}


def _part(number: int) -> str:
    return f"-{number + 1}" if number else ""


FORMATS: Mapping[str, Callable[[Plans], dict[str, str]]] = {
    "cloudformation": _cloudformation,
    "stack-set": _stack_set,
    "terraform": _terraform,
    "cli": _cli,
    "json": _json,
}
"""What `aws onboard --format` takes."""
