"""docs/sizing.md: its arithmetic is right, and what it takes from the table of performance stands there."""

from __future__ import annotations

import re

import pytest
from documents.blocks import ROOT

from federation_bridge.administration import archiving, sealing
from federation_bridge.operate.serving.pools import Pools
from federation_bridge.settings.serving import Serving
from federation_bridge.store import audit_log, bounds

PAGE = (ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
_NODES, _CORES = 4, 4


def cells(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by their first cell."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in rows[2:]}


def number(text: str) -> float:
    found = re.search(r"[\d,]+(?:\.\d+)?", text)
    assert found, text
    return float(found[0].replace(",", ""))


ASSUMED = {name: number(row[0]) for name, row in cells("What is assumed").items()}
AT_WORK = ASSUMED["of them at work with AWS on a working day"]
SIGN_INS = AT_WORK * ASSUMED["sign-ins of one of these a day"]
GRANTS = AT_WORK * ASSUMED["grants of one of these a day"]
RENEWALS = ASSUMED["grants by command line a day, each with a new pair of tokens"]
DAYS = ASSUMED["working days a year"]
PEAK = (
    ASSUMED["share of a day in its busiest hour"]
    / 100
    / 3600
    * ASSUMED["the busiest minute, in times of that hour's mean"]
)
ENTRIES = SIGN_INS + 2 * GRANTS + RENEWALS


def test_the_busiest_minute_is_what_was_assumed_times_what_was_measured() -> None:
    rows, sums = cells("The busiest minute"), [0.0, 0.0]
    wanted = {
        "sign-ins": SIGN_INS,
        "pages of roles, with their list": SIGN_INS,
        "grants": GRANTS,
        "renewals of tokens": RENEWALS,
    }
    for name, a_day in wanted.items():
        a_second, ours, theirs, cores, their_cores = map(number, rows[name])
        assert a_second == pytest.approx(a_day * PEAK, abs=0.5)
        assert cores == pytest.approx(a_second * ours / 1000, abs=0.006)
        assert their_cores == pytest.approx(a_second * theirs / 1000, abs=0.006)
        sums = [sums[0] + cores, sums[1] + their_cores]
    assert [number(cell) for cell in rows["together"][3:]] == pytest.approx(sums, abs=0.006)
    busy = sums[0] / (_NODES * _CORES)
    assert f"{_NODES} with {_CORES} cores" in WORDS
    assert (
        f"takes {100 * busy:.0f} % of them, and {100 * busy * _NODES / (_NODES - 1):.0f} % while one is gone" in WORDS
    )
    assert f"that is {5 * SIGN_INS * PEAK + (GRANTS + RENEWALS) * PEAK:,.0f} a second" in WORDS


def test_sign_ins_and_grants_are_those_of_the_table_of_performance() -> None:
    rows = cells("The busiest minute")
    for name, row in (("sign-ins", "sign-ins, 30 groups"), ("grants", "grants")):
        told = re.search(rf"^\| {row}, PostgreSQL, 3 workers \| (\d+) /CPU-s", PERFORMANCE, re.MULTILINE)
        assert told
        assert number(rows[name][1]) == pytest.approx(1000 / int(told[1]), abs=0.06)
        assert told[1] in WORDS
    held = re.search(r"^\| memory for that, at its most \(RSS\) \| (\d+) MB", PERFORMANCE, re.MULTILINE)
    assert held
    assert f"100,000 rules take up to {held[1]} MB" in WORDS


def test_connections_are_those_that_threads_can_open() -> None:
    threads = Serving().threads
    beside = len({id(pool) for pool in vars(Pools(1, 1))["_by_path"].values()})
    assert beside == 3  # one thread each, and the documents' has two
    at_most = threads + beside + 1 + 2
    assert f"one for each of its {threads} threads, {beside + 1} for health and documents" in WORDS
    assert f"2 beside the requests: {at_most}." in WORDS
    assert f"one more node during an update: {at_most * _CORES * (_NODES + 1)}" in WORDS
    assert at_most <= bounds.POOL["pool_size"] + bounds.POOL["max_overflow"]


def test_the_database_is_rows_times_their_bytes() -> None:
    rows = cells("The database")
    wanted = {
        "people": ASSUMED["people"],
        "group_changes": ASSUMED["people"] * (1 + ASSUMED["changes of a person's groups in 90 days"]),
        "sessions": SIGN_INS,
        "spent_messages": 2 * SIGN_INS,
        "live_grants": GRANTS,
        "tokens": 2 * RENEWALS,
        "session_names": ASSUMED["people"],
        "role_habits": ASSUMED["people"] * ASSUMED["roles that a person uses"],
    }
    assert {name.strip("`") for name in rows} == {*wanted, "together"}
    whole = 0.0
    for name, count in wanted.items():
        size, told, gives = map(number, rows[f"`{name}`"])
        assert told == count
        assert gives == pytest.approx(size * count / 1e9, abs=0.051)
        whole += gives
    assert number(rows["together"][2]) == pytest.approx(whole, abs=0.01)


def test_the_audit_grows_as_fast_as_is_said() -> None:
    size = number(re.search(r"a day of ([\d,]+) B each", WORDS)[1])  # type: ignore[index]
    assert f"{ENTRIES:,.0f} a day of" in WORDS
    assert f"{size * ENTRIES / 1e9:.1f} GB a day, {size * ENTRIES * DAYS / 1e12:.1f} TB a year" in WORDS
    assert f"41 B for each entry for good, {41 * ENTRIES * DAYS / 1e9:.0f} GB a year" in WORDS
    kept = size * ENTRIES * DAYS * 90 / 365 / 1e9
    assert f"`audit.keep: 90d` {round(kept, -1):.0f} GB stay" in WORDS
    assert f"the archive gets {917 * ENTRIES / 1e9:.1f} GB of JSON lines a day (917 B" in WORDS
    assert (
        f"at most {sealing.MOST_ROWS * sealing._MOST_SEALS:,} entries a minute, where {ENTRIES * PEAK:,.0f} a second"
        in WORDS
    )
    assert ENTRIES * PEAK * 60 < sealing.MOST_ROWS * sealing._MOST_SEALS
    assert f"archiving takes {sealing.MOST_ROWS * archiving._MOST_SEALS:,} a minute" in WORDS
    assert ENTRIES < sealing.MOST_ROWS * archiving._MOST_SEALS * 60 * 24


def test_log_and_commits_are_those_of_the_busiest_minute() -> None:
    sign_in, taken = 5.4, 5.2
    assert f"({sign_in} kB for a sign-in, {taken} kB for a grant)" in WORDS
    others = GRANTS + RENEWALS
    written = SIGN_INS * sign_in + others * taken
    assert f"{(SIGN_INS + others) * PEAK:.0f} durable commits and {written * PEAK / 1000:.1f} MB of log" in WORDS
    assert f"{written / 1e6:.1f} GB of log a day" in WORDS


def test_what_ends_a_question_is_what_the_store_says() -> None:
    assert f"ends a question after {2 * bounds.BUSY_MS / 1000:.0f} seconds" in WORDS


def test_of_so_many_grants_it_is_told_which_rules_are_used() -> None:
    assert f"the newest {audit_log.MOST_GRANTS:,} grants within `rulebook.unused_after`" in WORDS
    rules = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8")
    assert f"more than {audit_log.MOST_GRANTS:,} grants were made since" in rules
