"""The service as its operator sees it: it outlives its processes, and says what it does when it is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service_material import Service, serving_bridge, until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving_bridge(tmp_path_factory.mktemp("service") / "bridge", serving={"workers": 2}) as running:
        yield running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGABRT, signal.SIGKILL], ids=lambda one: one.name)
def test_a_worker_that_ends_takes_nothing_with_it(service: Service, number: int) -> None:
    """Attack on availability: what a worker inherited from its parent was once cleaned up by the worker's exit."""
    before = service.workers()
    counted = service.requests_of("health.healthz")
    service.signal(before[0], number)
    until(lambda: len(service.workers()) == 2 and before[0] not in service.workers(), "the worker was not replaced")
    until(service.is_answering, "the service does not answer any more")
    for _ in range(20):
        assert service.get("/healthz")[0] == 200
    assert service.requests_of("health.healthz") >= counted + 20
    assert service.process.poll() is None


def test_all_workers_are_replaced_when_the_parent_is_told_to_reload(service: Service) -> None:
    before = set(service.workers())
    service.signal(service.process.pid, signal.SIGHUP)
    until(lambda: len(service.workers()) == 2 and not before & set(service.workers()), "no new workers")
    until(service.is_answering, "the service does not answer any more")
    assert all(service.get("/healthz")[0] == 200 for _ in range(20))


def test_it_ends_well_when_it_is_told_to(tmp_path: Path) -> None:
    with serving_bridge(tmp_path / "bridge") as service:
        assert service.stop() == 0
        assert "Traceback" not in service.log
