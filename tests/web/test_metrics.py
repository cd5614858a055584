"""Counting: in memory that processes share, never lost with a process, never in the way of a request."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from federation_bridge.web.observe import measuring, metrics, shared_counts
from federation_bridge.web.observe.shared_counts import SharedCounts


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(metrics._Shared, "counts", SharedCounts(2))
    monkeypatch.setattr(metrics._Shared, "told_of_loss", False)
    yield


def _samples() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def _in_a_process(slot: int, name: str, amount: float) -> None:
    child = os.fork()
    if child == 0:
        metrics.count_in(slot)
        metrics.EVENTS.labels(event=name).inc(amount)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_every_process_shows_what_all_have_counted() -> None:
    for slot in (0, 1):
        _in_a_process(slot, "sign_in", 2)
    assert _samples()["bridge_events_total", (("event", "sign_in"),)] == 4


def test_a_process_goes_on_where_the_one_before_it_ended() -> None:
    for amount in (1, 2):
        _in_a_process(1, "sign_in", amount)
    assert _samples()["bridge_events_total", (("event", "sign_in"),)] == 3


def test_the_buckets_of_a_histogram_hold_all_below_their_bound() -> None:
    for seconds in (0.001, 0.005, 0.3, 99.0):
        metrics.SECONDS.labels(route="home").observe(seconds)
    found = _samples()
    bucket = "bridge_request_seconds_bucket"
    assert found[bucket, (("le", "0.005"), ("route", "home"))] == 2
    assert found[bucket, (("le", "0.5"), ("route", "home"))] == 3
    assert found[bucket, (("le", "+Inf"), ("route", "home"))] == 4
    assert found["bridge_request_seconds_count", (("route", "home"),)] == 4
    assert found["bridge_request_seconds_sum", (("route", "home"),)] == pytest.approx(99.306)


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", "a|b", "\ud800", ""])
def test_a_label_of_any_text_can_be_read_again(value: str) -> None:
    metrics.EVENTS.labels(event=value).inc()
    readable = value.encode("utf-8", "replace").decode()
    assert _samples()["bridge_events_total", (("event", readable),)] == 1


def test_where_there_is_no_room_the_count_is_lost_and_told_once_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(shared_counts, "_SIZE", 128)
    monkeypatch.setattr(metrics._Shared, "counts", SharedCounts(1))
    monkeypatch.setattr(metrics._log, "warning", lambda event, **_: told.append(event), raising=False)
    for number in range(10):
        metrics.EVENTS.labels(event=str(number)).inc()
    assert _samples()["bridge_events_total", (("event", "0"),)] == 1
    assert len(told) == 1


@pytest.mark.parametrize(
    ("event", "code", "family", "result"),
    [
        ("sign_in.finished", "", "bridge_sign_ins_total", "finished"),
        ("sign_in.refused", "sign_in_expired", "bridge_sign_ins_total", "sign_in_expired"),
        ("grant.made", "", "bridge_grants_total", "made"),
        ("grant.failed", "aws_unreachable", "bridge_grants_total", "failed"),
    ],
)
def test_sign_ins_and_grants_are_counted_by_connection_and_result(
    event: str, code: str, family: str, result: str
) -> None:
    measuring.count_event(event, code, "corp")
    found = _samples()
    assert found[family, (("connection", "corp"), ("result", result))] == 1
    assert found["bridge_events_total", (("event", event),)] == 1


def test_another_event_is_neither_a_sign_in_nor_a_grant() -> None:
    measuring.count_event("session.ended", "", "corp")
    assert {name for name, _ in _samples()} == {"bridge_events_total"}
