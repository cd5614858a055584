"""Conditions on the sign-in itself: how long ago it was and by which method; what another sign-in would bring."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from mapping_factories import NOW, identity, rule, rule_set

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Caller, Identity, RequestOrigin, Session

RECENT = "{signed_in_within: 15m}"
ADMINISTRATOR = ("111111111111/Administrator",)
MINUTE = timedelta(minutes=1)


def asking(authenticated_at: datetime | None, *methods: str, group: str = "g") -> Caller:
    """Somebody whose session has just begun here, whenever their provider saw them."""
    who = identity(groups=(group,), authenticated_at=authenticated_at, authn_methods=methods)
    return Caller(Session("k", who, NOW, NOW, NOW + timedelta(hours=1)), RequestOrigin("ref", "192.0.2.7"))


def granted(rules: RuleSet, caller: Caller) -> tuple[str, ...]:
    return tuple(one.key for one in rules.entitlements(caller.session.identity, NOW, caller))


def wanted(rules: RuleSet, caller: Caller) -> dict[str, tuple[str, ...]]:
    return {one.key: one.reasons for one in rules.after_sign_in(caller.session.identity, NOW, caller)}


def denying(when: str) -> str:
    return rule(when, '{role: "*/*"}', name="denied").replace("grant:", "deny:")


@pytest.mark.parametrize(("minutes", "holds"), [(-1, True), (0, True), (15, True), (15.01, False), (600, False)])
def test_a_sign_in_is_recent_by_the_providers_own_word(minutes: float, holds: bool) -> None:
    caller = asking(NOW - minutes * MINUTE)
    assert granted(rule_set(rule(RECENT)), caller) == (ADMINISTRATOR if holds else ())
    assert granted(rule_set(rule(f"{{not: {RECENT}}}")), caller) == (() if holds else ADMINISTRATOR)


def test_when_a_session_began_here_proves_no_recent_sign_in() -> None:
    """A provider that answers by an old session of its own, and says nothing of the time."""
    silent = asking(None)
    assert granted(rule_set(rule(RECENT)), silent) == granted(rule_set(rule(f"{{not: {RECENT}}}")), silent) == ()
    (outcome,) = rule_set(rule(RECENT)).explain(silent.session.identity, NOW, silent).outcomes
    assert outcome.reasons == ("your sign-in does not say when you authenticated",)


def test_of_people_of_whom_no_sign_in_is_at_hand_it_is_not_known() -> None:
    who: Identity = asking(NOW).session.identity
    rules = rule_set(rule(RECENT))
    assert rules.entitlements(who, NOW) == ()
    (outcome,) = rules.explain(who, NOW).outcomes
    assert outcome.reasons == ("it is not known when you last signed in",)
    # A command line that was let in is not ended for it: its person may sign in again.
    assert rules.may_have_a_role(who, NOW)


@pytest.mark.parametrize(
    ("when", "caller", "reason"),
    [
        (RECENT, asking(NOW - 60 * MINUTE), "your sign-in is older than 15m"),
        ("{authentication_method: mfa}", asking(NOW, "pwd"), "you did not sign in with 'mfa'"),
        ("{authentication_method: mfa}", asking(NOW), "your sign-in does not say how you authenticated"),
        (f"{{all: [{{group: g}}, {RECENT}]}}", asking(NOW - 60 * MINUTE), "your sign-in is older than 15m"),
    ],
)
def test_what_only_another_sign_in_lacks_is_told_and_not_granted(when: str, caller: Caller, reason: str) -> None:
    rules = rule_set(rule(when))
    assert granted(rules, caller) == ()
    assert wanted(rules, caller) == {ADMINISTRATOR[0]: (reason,)}


@pytest.mark.parametrize(
    "rules",
    [
        rule_set(rule(f"{{all: [{{group: other}}, {RECENT}]}}")),
        rule_set(rule(f"{{all: [{{dates: {{not_after: 2001-01-01}}}}, {RECENT}]}}")),
        rule_set(rule(RECENT), denying("{group: g}")),
        rule_set(rule("{group: g}")),
        rule_set(rule(RECENT, connection="okta")),
        rule_set(rule("{all: [{group: g}, {not: {authentication_method: pwd}}]}")),
    ],
    ids=["another group", "over", "denied anyway", "had already", "other connection", "method excluded"],
)
def test_nobody_is_sent_to_sign_in_for_what_that_cannot_bring(rules: RuleSet) -> None:
    assert wanted(rules, asking(NOW - 60 * MINUTE, "pwd")) == {}


@pytest.mark.parametrize("when", [f"{{not: {RECENT}}}", "{not: {authentication_method: mfa}}"])
def test_a_denial_that_another_sign_in_lifts_is_told_with_its_rule(when: str) -> None:
    rules = rule_set(rule("{group: g}"), denying(when))
    stale = asking(NOW - 60 * MINUTE, "pwd")
    assert granted(rules, stale) == ()
    (reasons,) = wanted(rules, stale).values()
    assert "denied" in reasons[0]
    fresh = asking(NOW, "mfa")
    assert (granted(rules, fresh), wanted(rules, fresh)) == (ADMINISTRATOR, {})


def test_no_sign_in_however_old_or_silent_escapes_a_denial() -> None:
    rules = rule_set(rule("{group: g}"), denying(f"{{not: {RECENT}}}"))
    for seen in (None, NOW - 16 * MINUTE, NOW - timedelta(days=3000)):
        assert granted(rules, asking(seen)) == ()
    assert granted(rules, asking(NOW)) == ADMINISTRATOR


@pytest.mark.parametrize(
    "when",
    [
        RECENT,
        f"{{all: [{{group: g}}, {RECENT}]}}",
        f"{{any: [{{group: g}}, {RECENT}]}}",
        f"{{not: {{not: {RECENT}}}}}",
        f"{{not: {{all: [{{group: g}}, {{not: {RECENT}}}]}}}}",
    ],
)
def test_a_denial_that_an_old_sign_in_would_escape_is_refused(when: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="an old sign-in would escape the denial"):
        rule_set(denying(when))
    rule_set(denying(f"{{not: {RECENT}}}"))


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("0m", "from 1m to 24h"),
        ("30s", "from 1m to 24h"),
        ("25h", "from 1m to 24h"),
        ("90s", "in whole minutes"),
        ("15", "is not a duration"),
        ('""', "must not be empty"),
        ("[15m]", "must be a text"),
    ],
)
def test_a_span_that_is_none_is_refused(written: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=reason):
        rule_set(rule(f"{{signed_in_within: {written}}}"))


def test_the_wish_is_no_answer() -> None:
    """What is asked with every such condition taken as met decides nothing."""
    rules, caller = rule_set(rule(RECENT)), asking(NOW - 60 * MINUTE)
    assert wanted(rules, caller)
    assert granted(rules, caller) == ()
    later = replace(caller, session=asking(NOW).session)
    assert granted(rules, later) == ADMINISTRATOR
