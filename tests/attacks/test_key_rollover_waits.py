# ruff: noqa: F811 - fixtures are named where they are asked for
"""Of several who wait for one look at new keys each gets in, and metadata in a file is followed at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from key_rollover_fixtures import URL, Company, clock, published, two_nodes  # noqa: F401 - fixtures
from saml_factories import NOW, Kept, Wire, idp_signer, stranger

from federation_bridge.connectors.accepting import accept_held
from federation_bridge.connectors.changes import DocumentRefused, NewKeys
from federation_bridge.connectors.shared_look import PAUSE
from federation_bridge.errors import UnknownSigner
from federation_bridge.notices import DocumentsAndNotices
from federation_bridge.outgoing import Fetched

WITHIN = 60

# ------------------------------------------------------------------------------------------------ one of several waits


class Slow(Wire):
    """Answers when the test lets go, where it says so."""

    def __init__(self, documents: dict[str, bytes]) -> None:
        super().__init__(documents)
        self.is_slow, self.was_asked, self.let_go = False, threading.Event(), threading.Event()

    def fetch(self, url: str, **more: Any) -> Fetched:
        if self.is_slow:
            self.was_asked.set()
            assert self.let_go.wait(WITHIN)
        return super().fetch(url, **more)


@pytest.fixture
def slow() -> Iterator[Slow]:
    wire = Slow({URL: published(idp_signer())})
    yield wire
    wire.let_go.set()


def test_who_comes_to_another_node_meanwhile_waits_for_its_look_and_gets_in(two_nodes: Any, slow: Slow) -> None:
    here, there = two_nodes(slow)
    here.arrives(idp_signer())
    slow.documents[URL], slow.is_slow = published(stranger()), True
    waits, has_ended = threading.Event(), threading.Event()

    def wait(_: float) -> bool:
        waits.set()
        return has_ended.wait(WITHIN)

    there.connector._source._shared._wait = wait
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(here.arrives, stranger())
        assert slow.was_asked.wait(WITHIN)
        others = [pool.submit(there.arrives, stranger()) for _ in range(2)]
        assert waits.wait(WITHIN)
        assert not first.done()
        slow.let_go.set()
        assert first.result(WITHIN)
        has_ended.set()
        assert all(one.result(WITHIN) for one in others)
    assert slow.asked == [URL, URL]


def test_a_look_whose_node_was_ended_holds_nobody_for_long(
    two_nodes: Any, own_database: OwnDatabase, clock: HeldClock
) -> None:
    wire = Wire({URL: published(idp_signer())})
    here, there = two_nodes(wire)
    here.arrives(idp_signer())
    assert DocumentsAndNotices(own_database.open().documents, clock).begin_look("company", PAUSE).is_ours
    waited: list[timedelta] = []
    there.connector._source._shared._wait = waited.append
    for _ in range(3):
        with pytest.raises(UnknownSigner):
            there.arrives(stranger())
    assert sum(waited, timedelta(0)) == timedelta(seconds=8), "once"
    wire.documents[URL] = published(stranger())
    clock.advance(PAUSE)
    assert there.arrives(stranger())


# --------------------------------------------------------------------------------------------------------- SAML, a file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "idp.xml"
    path.write_bytes(published(idp_signer()))
    return path


def test_a_changed_file_holds_for_the_very_next_message(file: Path) -> None:
    here = Company(Wire(), Kept(), lambda: NOW, metadata_file=file)
    here.arrives(idp_signer())
    file.write_bytes(published(stranger()))
    assert here.arrives(stranger())
    with pytest.raises(UnknownSigner):
        here.arrives(idp_signer())
    assert [type(one) for one in here.notices] == [NewKeys]


def test_a_file_that_rests_is_looked_at_and_not_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(file, (1_700_000_000, 1_700_000_000))
    reads: list[Path] = []
    honest = Path.open

    def noted(self: Path, *more: Any, **named: Any) -> Any:
        reads.append(self)
        return honest(self, *more, **named)

    monkeypatch.setattr(Path, "open", noted)
    here = Company(Wire(), Kept(), lambda: NOW, metadata_file=file)
    here.connector._source._file._wall = lambda: 1e12  # type: ignore[union-attr]  # long after the file was changed
    here.connector.refresher._refresh()
    reads.clear()
    for _ in range(3):
        here.arrives(idp_signer())
        here.connector.watch()
    assert reads == []


@pytest.mark.parametrize("broken", [b"", b"<html>", published(idp_signer())[:-20]])
def test_a_file_that_is_half_written_changes_nothing_and_is_read_when_it_is_whole(file: Path, broken: bytes) -> None:
    here = Company(Wire(), Kept(), lambda: NOW, metadata_file=file)
    file.write_bytes(broken)
    for _ in range(3):
        assert here.arrives(idp_signer())
    assert [type(one) for one in here.notices] == [DocumentRefused]
    file.write_bytes(published(stranger()))
    assert here.arrives(stranger())


def test_a_new_key_in_a_file_waits_too_and_the_yes_holds_at_once(file: Path) -> None:
    kept = Kept()
    here = Company(Wire(), kept, lambda: NOW, metadata_file=file, hold_new_keys=True)
    file.write_bytes(published(idp_signer(), stranger()))
    with pytest.raises(UnknownSigner):
        here.arrives(stranger())
    assert accept_held(kept, "company", NOW)
    assert here.arrives(stranger())


def test_each_node_follows_its_own_file(
    tmp_path: Path, two_nodes: Any, own_database: OwnDatabase, clock: HeldClock
) -> None:
    """While files are replaced one node after the other, neither goes back and forth with the other."""
    nodes = []
    for name in ("here", "there"):
        path = tmp_path / name
        path.write_bytes(published(idp_signer()))
        nodes.append(
            (
                path,
                Company(Wire(), DocumentsAndNotices(own_database.open().documents, clock), clock, metadata_file=path),
            )
        )
    nodes[0][0].write_bytes(published(stranger()))
    for _ in range(2):
        assert nodes[0][1].arrives(stranger())
        assert nodes[1][1].arrives(idp_signer())
        for _, node in nodes:
            node.connector.refresher._refresh()
    assert [type(one) for one in nodes[0][1].notices] == [NewKeys]
    assert nodes[1][1].notices == []
