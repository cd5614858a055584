"""What `aws onboard` writes, byte for byte: a change of it is seen in review.

After a wanted change write the files anew, and read their difference:
`PYTHONPATH=tests python tests/aws/test_onboarding_golden.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aws_factories import ENTITY_ID, ISSUER
from onboarding_factories import READ_ONLY, REVOKING, ROLES, registered

from federation_bridge.aws.onboarding import Additions, files_of, planned
from federation_bridge.aws.onboarding.files import FORMATS

GOLDEN = Path(__file__).parents[1] / "golden" / "aws_onboard"
METADATA = '<?xml version="1.0"?>\n<md:EntityDescriptor entityID="the bridge\'s ${own}"/>\n'


def written() -> dict[str, str]:
    """All files of all formats: one account of each road, a role with a web identity file, one with policies."""
    pinned = {**ROLES, "Pinned": replace(ROLES["Audit"], name="Pinned", web_identity_file=True)}
    accounts = (registered(number="111122223333"), registered("oidc", number="222233334444", roles=pinned))
    additions = Additions({"Team": "a b"}, READ_ONLY, REVOKING)
    plans = [
        planned(one, entity_id=ENTITY_ID, issuer=ISSUER, metadata=METADATA, additions=additions) for one in accounts
    ]  # fmt: skip
    return {f"{form}/{name}": text for form in FORMATS for name, text in files_of(plans, form).items()}


WRITTEN = written()


def test_no_golden_file_is_left_over() -> None:
    kept = {one.relative_to(GOLDEN).as_posix() for one in GOLDEN.rglob("*") if one.is_file()}
    assert kept == set(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_is_the_golden_one(name: str) -> None:
    assert WRITTEN[name] == (GOLDEN / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    for name, text in WRITTEN.items():
        path = GOLDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
