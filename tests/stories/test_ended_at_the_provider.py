"""Whose access ends at the company's identity provider is out here too, and a colleague goes on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from federation_bridge.operate import signals as streams
from federation_bridge.sandbox.browser import Page
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.identity_provider.back_channel import sign_out_everywhere
from federation_bridge.sandbox.identity_provider.signals import CAEP, RISC, event_about, push
from federation_bridge.sandbox.scripted_user import ScriptedUser


def is_signed_in(user: ScriptedUser) -> bool:
    return user.open("/api/v1/me").status == 200


def leave_the_provider(user: ScriptedUser) -> Page:
    """Presses "Sign out" on the provider's own page."""
    home = user.browser.open(user.company.provider.address + "/")
    return user.browser.submit(home, home.form("/logout"))


def test_who_signs_out_at_the_provider_is_signed_out_here_and_a_colleague_is_not(own_company: Company) -> None:
    ada, dan = ScriptedUser(own_company, "ada"), ScriptedUser(own_company, "dan")
    for one in (ada, dan):
        one.sign_in("company-oidc")
    assert is_signed_in(ada)
    leave_the_provider(ada)
    assert (is_signed_in(ada), is_signed_in(dan)) == (False, True)


def test_whom_the_administrator_of_the_provider_signs_out_is_out_in_every_browser(
    own_company: Company, trail: Any
) -> None:
    at_the_desk, at_home = ScriptedUser(own_company, "ada"), ScriptedUser(own_company, "ada")
    for one in (at_the_desk, at_home):
        one.sign_in("company-oidc")
    assert sign_out_everywhere(own_company.provider, "ada") == [200]
    assert not is_signed_in(at_the_desk)
    assert not is_signed_in(at_home)
    (ended,) = [one for one in trail(own_company) if one["event"] == "session.ended_by_provider"]
    assert (ended["person"], ended["details"]["sessions"]) == ("company-oidc/p-1001", 2)
    assert at_home.sign_in("company-oidc").status == 200


def _with_signals(text: str) -> str:
    """The connection by OpenID Connect takes signals of its own issuer."""
    return re.sub(r"( +)(issuer: )(\S+)\n", r"\1\2\3\n\1signals:\n\1  issuer: \3\n", text, count=1)


def test_a_disabled_account_is_out_at_once_and_stays_out_until_it_is_enabled(tmp_path: Path) -> None:
    with open_company(tmp_path, in_this_process=True, edit_settings=_with_signals) as company:
        ada, dan = ScriptedUser(company, "ada"), ScriptedUser(company, "dan")
        for one in (ada, dan):
            one.sign_in("company-oidc")
        shown = dict(line.split(": ", 1) for line in streams.set_up(company.settings, "company-oidc", None))
        bearer = shown["Authorization header"].strip().removeprefix("Bearer ")
        url = shown["Address"].strip()

        def tell(uri: str) -> int:
            return push(url, bearer, event_about(company.provider, url, uri, ada.person))

        assert tell(f"{RISC}account-disabled") == 202
        assert (is_signed_in(ada), is_signed_in(dan)) == (False, True)
        assert ada.sign_in("company-oidc").status == 403
        assert tell(f"{RISC}account-enabled") == 202
        assert ada.sign_in("company-oidc").status == 200
        assert tell(f"{CAEP}session-revoked") == 202
        assert (is_signed_in(ada), is_signed_in(dan)) == (False, True)
