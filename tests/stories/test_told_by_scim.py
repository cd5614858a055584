"""What the company's directory tells by SCIM, in each dialect, holds in the request that tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from federation_bridge.operate import provisioned
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.identity_provider.provisioning import Dialect, Provisioning
from federation_bridge.sandbox.scripted_user import ScriptedUser

CONNECTION = "company"


def following(company: Company, dialect: Dialect) -> None:
    """The administrator of the provider enters address and token; from then on it tells of each change."""
    told = dict(line.split(": ", 1) for line in provisioned.made(company.settings, CONNECTION))
    Provisioning(told["Address"].strip(), told["Token"].strip(), dialect).follow(company.directory)


def is_signed_in(user: ScriptedUser) -> bool:
    return user.open("/api/v1/me").status == 200


def _source(text: str) -> str:
    return text.replace("scim: {joined_by: externalId}", "scim: {groups: source, known_only: true}")


@pytest.mark.parametrize("dialect", ["entra", "okta"])
def test_a_day_on_which_somebody_moves_and_somebody_leaves(tmp_path: Path, dialect: Dialect, trail: Any) -> None:
    with open_company(tmp_path, in_this_process=True, edit_settings=_source) as company:
        following(company, dialect)
        ada, bruno = ScriptedUser(company, "ada"), ScriptedUser(company, "bruno")
        for one in (ada, bruno):
            assert one.sign_in(CONNECTION).status == 200
        assert "Administrator" in ada.open("/").words
        # Ada moves: the next page goes without what her group gave.
        company.directory.move("ada", "everyone")
        assert is_signed_in(ada)
        assert "Administrator" not in ada.open("/").words
        company.directory.move("ada", "everyone", "platform-admins")
        assert "Administrator" in ada.open("/").words
        # Ada leaves: she is out within that very request, stays out, and Bruno goes on.
        company.directory.off_board("ada")
        assert (is_signed_in(ada), is_signed_in(bruno)) == (False, True)
        assert ada.sign_in(CONNECTION).status == 403
        (ended,) = [one for one in trail(company) if one["event"] == "access.ended"]
        assert (ended["person"], ended["details"]["kind"]) == ("company/p-1001", "scim")
