"""Rules of several files, or of a folder: one set, whole or not in force at all; a version keeps each with its name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kept_factories import VersionsInMemory
from mapping_factories import CONNECTIONS, NOW, REGISTER_TEXT, identity, keys, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Notice
from federation_bridge.rulebook import FilesSource, Known, Rulebook, Versions, source
from federation_bridge.rulebook.changes import RulesRefused
from federation_bridge.rulebook.parsing import parsed
from federation_bridge.rulebook.rule_files import RulesPlace, skipped
from federation_bridge.rulebook.texts import Texts, named_texts

ADMINS = rules_text(rule("{group: a}", name="admins"))
READERS = rules_text(rule("{group: r}", '{role: "111111111111/ReadOnly"}', name="readers"))
DENIES = rules_text(rule("{group: out}", name="out").replace("grant:", "deny:"))
KNOWN = Known(frozenset(CONNECTIONS))


class Folder:
    """A folder of rules that deny, grant administration, and grant reading; and a rulebook of it."""

    def __init__(self, path: Path) -> None:
        self.path, self.accounts = path / "rules.d", path / "accounts.yaml"
        self.path.mkdir()
        self.accounts.write_text(REGISTER_TEXT)
        for name, text in (("20-admins.yaml", ADMINS), ("10-denies.yaml", DENIES), ("30-readers.yaml", READERS)):
            self.write(name, text)
        self.kept = VersionsInMemory()
        self.notices: list[Notice] = []

    def write(self, name: str, text: str) -> Path:
        draft = self.path / ".draft"
        draft.write_text(text)
        return draft.replace(self.path / name)

    def source(self, place: RulesPlace | None = None) -> FilesSource:
        return FilesSource(place or self.path, self.accounts, wall=lambda: time.time() + 3600)

    def open(self, place: RulesPlace | None = None) -> Rulebook:
        return Rulebook(self.source(place), Versions(self.kept), KNOWN, self.notices.append)

    def kept_texts(self) -> Texts:
        found = self.kept.in_force()
        assert found is not None
        return Texts.from_kept(found.text)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def roles(book: Rulebook, *groups: str) -> tuple[str, ...]:
    return keys(book.current(), identity(groups=groups), NOW)


def test_a_folder_is_one_set_by_name_and_its_version_keeps_each_text_with_its_name(folder: Folder) -> None:
    book = folder.open()
    assert roles(book, "a", "r") == ("111111111111/Administrator", "111111111111/ReadOnly")
    assert roles(book, "a", "out") == ()
    assert folder.kept_texts().documents == (
        ("10-denies.yaml", DENIES),
        ("20-admins.yaml", ADMINS),
        ("30-readers.yaml", READERS),
    )
    assert book.current().version == folder.kept_texts().digest


def test_a_list_is_read_in_its_order_and_may_hold_folders(folder: Folder, tmp_path: Path) -> None:
    other = tmp_path / "more.yaml"
    other.write_text(rules_text(rule("{group: m}", name="more")))
    book = folder.open((other, folder.path))
    assert roles(book, "m") == ("111111111111/Administrator",)
    assert [name for name, _ in folder.kept_texts().documents][:2] == ["more.yaml", "10-denies.yaml"]


def test_one_file_is_kept_without_a_name_as_it_always_was(folder: Folder) -> None:
    folder.open(folder.path / "20-admins.yaml")
    kept = folder.kept_texts()
    assert kept.rules == ADMINS
    assert kept.digest == Texts(ADMINS, REGISTER_TEXT).digest
    # The digest of a version that was made before there were several.
    assert Texts("version: 1", "x").digest == "88349ab1ffddf2cbaa0e7292a0eef226bfadd2c40143c69b66084e218321d8cf"


@pytest.mark.parametrize("event", ["added", "changed", "removed", "renamed"])
def test_each_change_of_the_folder_decides_at_once(folder: Folder, event: str) -> None:
    book = folder.open()
    assert roles(book, "r") == ("111111111111/ReadOnly",)
    readers, more = (
        folder.path / "30-readers.yaml",
        rules_text(rule("{group: a}", name="r2").replace("grant:", "deny:")),
    )
    before = book.current().version
    events: dict[str, Callable[[], object]] = {
        "added": lambda: folder.write("40-more.yaml", more),
        "changed": lambda: folder.write("30-readers.yaml", more),
        "removed": readers.unlink,
        "renamed": lambda: readers.rename(folder.path / "05-readers.yaml"),
    }
    events[event]()
    assert book.current().version != before
    assert roles(book, "a") == (("111111111111/Administrator",) if event in ("removed", "renamed") else ())
    assert roles(book, "r") == (("111111111111/ReadOnly",) if event in ("added", "renamed") else ())


def test_a_mistake_names_its_file_and_keeps_the_whole_set_out(folder: Folder) -> None:
    book = folder.open()
    folder.write("20-admins.yaml", ADMINS.replace("group: a", "group: other"))
    folder.write("30-readers.yaml", READERS.replace("when", "wen"))
    assert roles(book, "a") == ("111111111111/Administrator",)
    assert roles(book, "other") == ()
    assert book.problem is not None
    assert f"{folder.path}/30-readers.yaml: line 5: unknown key 'wen'" in book.problem
    folder.write("30-readers.yaml", READERS)
    assert roles(book, "other") == ("111111111111/Administrator",)


def test_an_id_stands_once_over_all_files_and_both_places_are_told(folder: Folder) -> None:
    folder.write("40-more.yaml", READERS)
    with pytest.raises(ConfigurationInvalid) as refusal:
        folder.open()
    told = f"{folder.path}/40-more.yaml: line 3: rule 'readers' stands here twice, first in line 3 of 30-readers.yaml"
    assert refusal.value.detail.startswith(told)


def test_of_a_list_a_file_that_vanished_takes_nothing_from_the_set(folder: Folder) -> None:
    place = tuple(sorted(folder.path.iterdir()))
    book = folder.open(place)
    place[0].unlink()
    assert roles(book, "a", "out") == ()
    assert f"{place[0]}: cannot be read" in (book.problem or "")
    assert [type(one) for one in folder.notices][-1] is RulesRefused


def interfering(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], times: int = 1) -> None:
    """`act` happens before the last file of the folder is read, so many times."""
    read, left = source.text_of, [times]

    def read_meanwhile(path: Path, *most: int) -> str:
        if path.name == "30-readers.yaml" and left[0] > 0:
            left[0] -= 1
            act()
        return read(path, *most)

    monkeypatch.setattr(source, "text_of", read_meanwhile)


def test_a_file_that_goes_or_changes_while_the_set_is_read_leads_to_the_set_that_is_there_now(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rule of the administrators moves to the file that is read last: half of each would be nobody, or twice.
    moved = READERS + rules_text(rule("{group: a}", name="admins")).partition("rules:\n")[2]

    def move() -> None:
        (folder.path / "20-admins.yaml").unlink()
        folder.write("30-readers.yaml", moved)

    interfering(monkeypatch, move)
    reading = folder.source().read()
    assert dict(reading.texts.documents) == {"10-denies.yaml": DENIES, "30-readers.yaml": moved}

    interfering(monkeypatch, (folder.path / "30-readers.yaml").unlink)
    assert [name for name, _ in folder.source().read().texts.documents] == ["10-denies.yaml"]


def test_files_that_never_hold_still_are_no_set(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = iter(range(100))
    interfering(monkeypatch, lambda: folder.write("10-denies.yaml", DENIES + f"# {next(counted)}\n"), times=100)
    with pytest.raises(ConfigurationInvalid, match="change while they are read"):
        folder.source().read()


def test_the_leftovers_of_editors_and_links_out_of_the_folder_are_not_rules(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(rules_text(rule("{group: evil}", name="evil")))
    (folder.path / "90-out.yaml").symlink_to(outside)
    (folder.path / ".#20-admins.yaml").symlink_to("somebody@host.1")
    (folder.path / ".hidden.yaml").write_text("broken: [")
    (folder.path / "20-admins.yaml~").write_text("broken: [")
    (folder.path / "#20-admins.yaml#").write_text("broken: [")
    (folder.path / "more.yml").write_text(outside.read_text())
    (folder.path / "sub.yaml").mkdir()
    os.mkfifo(folder.path / "pipe.yaml")
    book = folder.open()
    assert [name for name, _ in folder.kept_texts().documents] == [
        "10-denies.yaml",
        "20-admins.yaml",
        "30-readers.yaml",
    ]
    assert roles(book, "evil") == ()
    told = {one.path.name: (one.reason, one.looks_like_rules) for one in skipped(folder.path)}
    assert told["90-out.yaml"] == ("it is a link that leads out of the folder", True)
    assert told["more.yml"] == ("its name does not end in .yaml", True)
    assert told["20-admins.yaml~"][1] is told[".hidden.yaml"][1] is False
    assert len(told) == 8


def test_a_link_within_the_folder_is_taken_as_mounts_make_them(tmp_path: Path) -> None:
    """A ConfigMap: names that link into a folder that is swapped as a whole."""
    place, accounts = tmp_path / "mount", tmp_path / "accounts.yaml"
    accounts.write_text(REGISTER_TEXT)
    for data, group in (("..one", "a"), ("..two", "b")):
        (place / data).mkdir(parents=True)
        (place / data / "rules.yaml").write_text(rules_text(rule(f"{{group: {group}}}")))
    (place / "..data").symlink_to("..one")
    (place / "rules.yaml").symlink_to("..data/rules.yaml")
    files = FilesSource(place, accounts, wall=lambda: time.time() + 3600)
    book = Rulebook(files, Versions(VersionsInMemory()), KNOWN, lambda _: None)
    assert roles(book, "a")
    (place / "..new").symlink_to("..two")
    (place / "..new").replace(place / "..data")
    assert roles(book, "b")
    assert not roles(book, "a")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda path: [one.unlink() for one in path.iterdir()], "holds no rules: no file in it ends in .yaml"),
        (lambda path: (path / "übung.yaml").write_text(ADMINS), "a file of several is named with"),
        (lambda path: (path / "a b.yaml").write_text(ADMINS), "a file of several is named with"),
        (lambda path: (path / "gone.yaml").symlink_to("nowhere.yaml"), "gone.yaml: cannot be read"),
        (lambda path: (path / "more.yaml").write_bytes(b"\xff"), "more.yaml: line 1: is not UTF-8"),
        (lambda path: (path / "more.yaml").write_text(REGISTER_TEXT), "unknown key 'accounts' in the rules"),
        (lambda path: (path / "more.yaml").write_text(""), "more.yaml: line 1: the file is empty"),
    ],
)
def test_what_cannot_be_read_as_rules_refuses_the_folder(folder: Folder, harm: Callable[[Path], object], told) -> None:
    harm(folder.path)
    with pytest.raises(ConfigurationInvalid) as refusal:
        folder.open()
    assert told in refusal.value.detail


def test_two_files_of_one_name_are_refused(folder: Folder, tmp_path: Path) -> None:
    other = tmp_path / "20-admins.yaml"
    other.write_text(READERS)
    with pytest.raises(ConfigurationInvalid, match=r"20-admins\.yaml: two files have this name"):
        folder.open((folder.path / "20-admins.yaml", other))


def test_all_files_together_are_no_larger_than_one_may_be(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    total = sum(one.stat().st_size for one in folder.path.iterdir())
    monkeypatch.setattr(source, "_MAX_BYTES", total + len(REGISTER_TEXT))
    folder.open()
    monkeypatch.setattr(source, "_MAX_BYTES", total - 1)
    with pytest.raises(ConfigurationInvalid, match=r"30-readers\.yaml: has, with the files before it, more than"):
        folder.source().read()


def test_the_digest_covers_names_and_order(folder: Folder) -> None:
    one, two = ("a.yaml", ADMINS), ("b.yaml", READERS)
    sets = [named_texts((one, two)), named_texts((two, one)), named_texts((one, ("c.yaml", READERS)))]
    assert len({Texts(each, REGISTER_TEXT).digest for each in sets}) == len(sets)
    for each in sets:
        texts = Texts(each, REGISTER_TEXT)
        assert Texts.from_kept(texts.to_kept()) == texts
        assert keys(parsed(texts, KNOWN), identity(groups=("a",)), NOW) == ("111111111111/Administrator",)


@pytest.mark.parametrize(
    "rules", ["[]", '[["a.yaml"]]', '[["a.yaml", 1]]', '[["../x", "t"]]', '[["a", "t"], ["a", "u"]]', "7", '{"a": "t"}']
)
def test_a_kept_version_of_another_form_is_refused(rules: str) -> None:
    with pytest.raises(ConfigurationInvalid):
        Texts.from_kept(f'{{"rules": {rules}, "accounts": "x"}}')
