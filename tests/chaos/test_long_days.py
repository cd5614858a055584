"""`make chaos`: what `test_behind_a_proxy` does in short, with three nodes of two workers each, and for longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from federation_bridge.system_clock import utc_now
from tests.chaos import occurrences
from tests.chaos.conftest import Tell
from tests.chaos.house import House, house
from tests.chaos.obliging_sts import obliging_sts
from tests.chaos.occurrences import LONGEST
from tests.chaos.releases import PRESENT, next_release, release_that_shuts_out

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def large_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with obliging_sts(utc_now) as sts, house(tmp_path_factory.mktemp("house"), sts, nodes=3, workers=2) as found:
        yield found


def test_a_rolling_restart_is_seen_by_nobody(large_house: House, tell: Tell) -> None:
    told = tell(occurrences.rolling_restart(large_house))
    assert told.faults == []
    assert (told.busy, told.begun_anew) == (0, 0)
    assert told.longest < LONGEST


def test_workers_that_are_replaced_are_missed_by_nobody(large_house: House, tell: Tell) -> None:
    told = tell(occurrences.reloads(large_house))
    assert told.faults == []
    assert (told.busy, told.begun_anew) == (0, 0)
    assert told.longest < LONGEST


@pytest.mark.parametrize("seconds", [3, 30], ids=["shorter than we wait", "longer"])
def test_a_silent_database_holds_nobody_and_kills_no_node(large_house: House, tell: Tell, seconds: float) -> None:
    told = tell(occurrences.paused_database(large_house, seconds))
    assert told.faults == []
    assert told.longest < LONGEST


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_restarted_again_and_again_loses_nothing(large_house: House, tell: Tell, mode: str) -> None:
    for _ in range(3):
        told = tell(occurrences.restarted_database(large_house, mode))
        assert told.faults == []
        assert told.longest < LONGEST


def test_too_few_connections_are_told_as_503_and_nothing_else(large_house: House, tell: Tell) -> None:
    told = tell(occurrences.few_connections(large_house, 3, answers=1_000))
    assert told.faults == []
    assert told.busy > 0, "nobody missed a connection: nothing was tried"
    assert told.longest < LONGEST


def test_nodes_of_two_releases_serve_side_by_side_until_the_shape_says_that_one_is_too_old(
    large_house: House, tell: Tell
) -> None:
    newer = next_release(large_house.folder / "next")
    together = tell(occurrences.rolling_upgrade(large_house, PRESENT, newer))
    assert together.faults == []
    assert (together.busy, together.begun_anew) == (0, 0)
    apart = tell(
        occurrences.upgrade_that_shuts_out(large_house, release_that_shuts_out(large_house.folder / "after", newer))
    )
    assert apart.faults == []
    assert apart.busy > 0, "people were served by programs that are too old"
    assert max(together.longest, apart.longest) < LONGEST
