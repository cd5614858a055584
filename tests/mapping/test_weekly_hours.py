"""Weekly hours are what the clock on the wall shows, over both turns of the clock, and no session outlives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from mapping_factories import identity, keys, register, rule, rule_set, why

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet
from federation_bridge.mapping.verdicts import Facts

ADMIN = ("111111111111/Administrator",)
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = 'days: sun, from: "00:00", to: "02:30"'
WORK = 'days: [mon-fri], from: "08:00", to: "18:00"'


def hours(what: str = WORK, zone: str = "Europe/Berlin") -> str:
    return f"{{hours: {{{what}, zone: {zone}}}}}"


def made(when: str) -> RuleSet:
    return rule_set(rule(when))


def berlin(written: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-03-09T08:00", True),
        ("2026-03-09T07:59:59", False),
        ("2026-03-13T17:44", True),
        ("2026-03-13T18:00", False),
        ("2026-03-14T12:00", False),
        ("2026-03-15T12:00", False),
        ("2026-03-30T08:00", True),
        ("2026-03-30T07:59:59", False),
        ("2026-10-26T08:00", True),
        ("2026-10-26T07:59:59", False),
    ],
)
def test_the_hours_are_those_of_the_zone_in_summer_and_in_winter(at: str, is_open: bool) -> None:
    assert keys(made(hours()), identity(), berlin(at)) == (ADMIN if is_open else ())
    opposite = () if is_open or at.endswith("07:59:59") else ADMIN  # AWS issues no session of a second
    assert keys(made(f"{{not: {hours()}}}"), identity(), berlin(at)) == opposite


def test_no_session_outlives_the_hours_and_none_begins_in_their_last_minutes() -> None:
    (one,) = made(hours()).entitlements(identity(), berlin("2026-03-13T17:00"))
    assert one.ends_at == berlin("2026-03-13T18:00")
    assert keys(made(hours()), identity(), berlin("2026-03-13T17:46")) == ()
    (one,) = made(f"{{not: {hours()}}}").entitlements(identity(), berlin("2026-03-13T20:00"))
    assert one.ends_at == berlin("2026-03-16T08:00")


@pytest.mark.parametrize(
    ("what", "at", "until"),
    [
        ('days: fri, from: "22:00", to: "06:00"', "2026-03-13T23:00", "2026-03-14T06:00"),
        ('days: fri, from: "22:00", to: "06:00"', "2026-03-14T05:00", "2026-03-14T06:00"),
        ('days: sun, from: "22:00", to: "06:00"', "2026-03-16T05:00", "2026-03-16T06:00"),
        ('days: sat, from: "00:00", to: "24:00"', "2026-03-14T12:00", "2026-03-15T00:00"),
        ('days: [sat-mon], from: "00:00", to: "24:00"', "2026-03-15T12:00", "2026-03-17T00:00"),
        ('days: sat, from: "22:00", to: "06:00"', "2026-03-28T23:00", "2026-03-29T06:00"),
        ('days: sun, from: "01:00", to: "02:30"', "2026-03-29T01:30", "2026-03-29T03:00"),
    ],
    ids=["night", "after midnight", "over the week's end", "whole day", "days in a row", "spring", "end is skipped"],
)
def test_hours_end_when_the_clock_shows_it(what: str, at: str, until: str) -> None:
    (one,) = made(hours(what)).entitlements(identity(), berlin(at))
    assert one.ends_at == berlin(until)
    assert keys(made(hours(what)), identity(), berlin(until)) == ()


def test_a_time_that_the_clock_shows_twice_counts_twice() -> None:
    rules = made(hours(NIGHT))
    (one,) = rules.entitlements(identity(), berlin("2026-10-25T01:00"))
    assert one.ends_at == berlin("2026-10-25T02:30")
    assert keys(rules, identity(), berlin("2026-10-25T02:45")) == ()
    (one,) = rules.entitlements(identity(), berlin("2026-10-25T02:05", fold=1))
    assert one.ends_at == berlin("2026-10-25T02:30", fold=1)
    # Not past the clock's turn, at which the hours come a second time.
    opposite = made(f"{{not: {hours(NIGHT)}}}")
    (one,) = opposite.entitlements(identity(), berlin("2026-10-25T02:40"))
    assert one.ends_at == berlin("2026-10-25T02:00", fold=1)


def test_hours_without_a_gap_have_no_end() -> None:
    (one,) = made(hours('days: [mon-sun], from: "00:00", to: "24:00"')).entitlements(
        identity(), berlin("2026-03-13T17:00")
    )
    assert one.ends_at is None


def test_a_denial_that_begins_with_the_hours_bounds_the_session() -> None:
    deny = f"- id: z\n  connection: entra\n  when: {hours()}\n  deny: {{role: '*/*'}}\n"
    (one,) = rule_set(rule("{person: s-1}"), deny).entitlements(identity(), berlin("2026-03-16T06:00"))
    assert one.ends_at == berlin("2026-03-16T08:00")


def test_the_person_is_told_when() -> None:
    assert why(made(hours()), identity(), now=berlin("2026-03-13T19:00")) == (
        "the rule's hours begin at 2026-03-16 08:00 Europe/Berlin"
    )
    assert "last until 2026-03-13 18:00 Europe/Berlin" in why(made(hours()), identity(), now=berlin("2026-03-13T09:00"))


@pytest.mark.parametrize(
    ("when", "may_have"),
    [
        (hours(), True),
        (f"{{all: [{hours()}, {{person: s-1}}]}}", True),
        (f"{{all: [{hours()}, {{person: other}}]}}", False),
        (f"{{all: [{hours()}, {{group: admins}}]}}", False),
        (f"{{all: [{hours()}, {{dates: {{not_after: 2026-01-31}}}}]}}", False),
    ],
)
@pytest.mark.parametrize("at", ["2026-03-13T17:50", "2026-03-13T21:00"])
def test_who_lacks_a_role_only_by_the_hour_may_still_have_one(when: str, may_have: bool, at: str) -> None:
    assert made(when).may_have_a_role(identity(), berlin(at)) is may_have
    deny = f"- id: z\n  connection: entra\n  when: {when}\n  deny: {{role: '*/*'}}\n"
    assert rule_set(rule("{person: s-1}"), deny).may_have_a_role(identity(), berlin(at))


@pytest.mark.parametrize("day", ["2026-03-28T22:00", "2026-10-24T22:00"], ids=["spring", "autumn"])
@pytest.mark.parametrize(
    "what", ['days: [sat-sun], from: "01:15", to: "02:45"', 'days: sun, from: "02:15", to: "01:00"']
)
def test_around_both_turns_every_minute_says_the_true_end(what: str, day: str) -> None:
    when = made(hours(what)).rules[0].when
    facts = [Facts.of(identity(), berlin(day) + timedelta(minutes=minute), register()) for minute in range(8 * 60)]
    verdicts = [when.check(one) for one in facts]
    for minute, verdict in enumerate(verdicts[: 6 * 60]):
        until = verdict.ways[0].until if verdict.ways else verdict.until
        turns = (number for number in range(minute, 8 * 60) if verdicts[number].answer is not verdict.answer)
        turned = next(turns, None)
        assert turned is None or until == facts[turned].now


@pytest.mark.parametrize(
    ("what", "zone", "reason"),
    [
        (WORK, "Europe/Berln", "did you mean 'Europe/Berlin'?"),
        (WORK, "../../etc/passwd", "there is no time zone"),
        (WORK, "Europe", "there is no time zone"),
        (WORK, "localtime", "there is no time zone"),
        (WORK, "CEST", "there is no time zone"),
        (WORK.replace("mon-fri", "mon-fry"), "UTC", "did you mean 'fri'?"),
        (WORK.replace("mon-fri", "mon-fri, wed"), "UTC", "names wed twice"),
        (WORK.replace("[mon-fri]", "[]"), "UTC", "must not be empty"),
        (WORK.replace("18:00", "08:00"), "UTC", "begins and ends at the same time"),
        (WORK.replace("18:00", "25:00"), "UTC", "not a time of the day"),
        (WORK.replace('"18:00"', "6pm"), "UTC", "not a time of the day"),
        (WORK.replace("08:00", "24:00"), "UTC", "not at 24:00"),
        (WORK.replace('to: "18:00"', 'till: "18:00"'), "UTC", "unknown key 'till'"),
    ],
)
def test_hours_that_could_be_misread_are_refused_with_their_line(what: str, zone: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        made(hours(what, zone))
    assert refused.value.detail.startswith("line 5: ")
    assert reason in refused.value.detail
