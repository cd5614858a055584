"""The audit's second place and the log: what is owed is sent again, and every loss is told."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from store_factories import entry

from federation_bridge.audit import Recorded, SignedOut, recorded
from federation_bridge.audit import lines as second_lines
from federation_bridge.audit.lines import SecondPlace, second_place
from federation_bridge.errors import Unavailable
from federation_bridge.observers.missed import MissedNumbers, Span
from federation_bridge.observers.sinks import Outcome
from federation_bridge.operate.logs import LogLines

NOW = datetime(2026, 3, 4, 12, 0, 0, 5000, tzinfo=UTC)


def row(number: int) -> Recorded:
    return replace(recorded(entry(NOW, SignedOut())), number=number)


class Reader:
    """A place that takes lines, fails, or takes nothing at all, as it is told."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.fails = False
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_asked = threading.Event()

    def write(self, lines: Sequence[bytes]) -> Outcome:
        self.is_asked.set()
        self.goes_on.wait(60)
        if self.fails:
            return Outcome(0, BrokenPipeError(32, "Broken pipe"))
        self.lines.extend(lines)
        return Outcome(len(lines))

    def numbers(self) -> list[int]:
        return [json.loads(line)["number"] for line in self.lines]


@pytest.fixture
def reader() -> Reader:
    return Reader()


# --------------------------------------------------------------------------------------------------- what is owed


def test_missed_numbers_are_exact_while_they_are_few_and_never_too_few() -> None:
    owed = MissedNumbers(3)
    for number in (4, 5, 6, 9, 20, 25, 8):
        owed.add(number)
    found = []
    while (span := owed.lowest()) is not None:
        found.append(span)
        owed.drop_until(span, span.last)
    assert found == [Span(4, 6), Span(9, 9), Span(8, 25)]


def test_what_came_to_a_span_while_it_was_read_stays_owed() -> None:
    owed = MissedNumbers(1)
    owed.add(5)
    span = owed.lowest()
    assert span is not None
    owed.add(3)
    owed.drop_until(span, 5)
    assert owed.lowest() == Span(3, 5)
    owed.drop_until(Span(3, 5), 4)
    assert owed.lowest() == Span(5, 5)


# ------------------------------------------------------------------------------------------ the audit's second place


def test_entries_whose_reader_stopped_are_sent_again_from_the_database(reader: Reader) -> None:
    place = SecondPlace(reader, most_waiting=2)
    place.read_again_with(lambda first, last, most: [row(number) for number in range(first, last + 1)][:most])
    place.start()
    reader.goes_on.clear()
    place.write([row(1)])
    assert reader.is_asked.wait(60)
    place.write([row(number) for number in range(2, 600)])
    assert place.missed == 596
    reader.goes_on.set()
    place.write([row(600)])
    place.close(30)
    assert sorted(set(reader.numbers())) == list(range(1, 601))
    assert place.missed in (596, 597)


def test_entries_that_could_not_be_written_are_sent_again_and_the_first_loss_is_told(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger of its own: one that another test has used already keeps that test's settings.
    logger = structlog.testing.CapturingLogger()
    monkeypatch.setattr(second_lines, "_log", logger)
    place, is_away = SecondPlace(reader), [True]

    def read(first: int, last: int, most: int) -> Sequence[Recorded]:
        if is_away[0]:
            raise Unavailable("the database is away")
        return [row(number) for number in range(first, last + 1)][:most]

    place.read_again_with(read)
    reader.fails = True
    place.write([row(1), row(2)])
    reader.fails = False
    place.write([row(3)])
    assert reader.numbers() == [3]
    is_away[0] = False
    place.write([row(4)])
    assert reader.numbers() == [3, 4, 1, 2]
    assert [call.args[0] for call in logger.calls] == ["audit.line_lost", "audit.lines_resent"]
    assert logger.calls[0].kwargs["reference"] == "ref-1"


def test_the_second_place_is_where_the_setting_says(tmp_path: Path) -> None:
    second_place("nowhere").write([row(1)])
    second_place(tmp_path / "audit.jsonl").write([row(1)])
    assert json.loads((tmp_path / "audit.jsonl").read_text())["number"] == 1


# ------------------------------------------------------------------------------------------------------------ the log


def test_lines_of_the_log_that_are_lost_are_counted_and_told_when_it_goes_on(reader: Reader) -> None:
    counted = list[int]()
    log = LogLines(reader)
    log.on_lost = counted.append
    reader.fails = True
    log.put({"event": "one"})
    log.put({"event": "two"})
    reader.fails = False
    log.put({"event": "three"})
    told, three = (json.loads(line) for line in reader.lines)
    assert (told["event"], told["count"]) == ("log.lines_lost", 2)
    assert three["event"] == "three"
    assert (log.lost, sum(counted)) == (2, 2)


def test_a_line_of_the_log_is_json_on_one_line_and_bounded(reader: Reader) -> None:
    log = LogLines(reader)
    log.put({"event": "two\nlines \x1b[31m\u2028", "object": logging})
    log.put({"event": "long", "reference": "ABCD-EFGH", "exception": "x" * 1_000_000})
    log.put({"event": "a key that is none", ("a", "tuple"): 1})  # type: ignore[dict-item]
    first, long, odd = reader.lines
    assert json.loads(first)["event"] == "two\nlines \x1b[31m\u2028"
    assert first.count(b"\n") == 1
    assert first.isascii()
    assert len(long) < 5_000
    assert json.loads(long)["reference"] == "ABCD-EFGH"
    assert b"a key that is none" in odd
