"""A difference of two texts is whole, and is found in time that grows with their length alone."""

from __future__ import annotations

import difflib
import random
from collections.abc import Sequence

import pytest

from federation_bridge.line_difference import unified


def patched(before: Sequence[str], difference: Sequence[str]) -> list[str]:
    """What `patch` makes of the first text."""
    after: list[str] = []
    at = 0
    for line in difference[2:]:
        if line.startswith("@@"):
            start, _, length = line.split()[1][1:].partition(",")
            begins = int(start) - (length != "0")
            after += before[at:begins]
            at = begins
        elif line.startswith("+"):
            after.append(line[1:])
        else:
            assert before[at] == line[1:]
            after += [] if line.startswith("-") else [line[1:]]
            at += 1
    return after + list(before[at:])


@pytest.mark.parametrize("size", [0, 1, 7, 90, 300])
@pytest.mark.parametrize("words", [2, 40, 5_000])
def test_the_second_text_comes_of_the_first_and_the_difference(size: int, words: int) -> None:
    some = random.Random(f"{size} {words}")
    for edits in (0, 1, 4, 200):
        before = [str(some.randrange(words)) for _ in range(size)]
        after = list(before)
        for _ in range(edits):
            if after and some.random() < 0.5:
                after.pop(some.randrange(len(after)))
            else:
                after.insert(some.randrange(len(after) + 1), str(some.randrange(words)))

        assert patched(before, list(unified("text", before, after))) == after


def test_it_is_written_as_diff_writes_it() -> None:
    before, after = list("abcdefgh"), ["a", "B", *"cdefgh", "i"]

    assert list(unified("rules 1", before, after, "rules 2")) == (
        ["--- rules 1", "+++ rules 2", "@@ -1,8 +1,9 @@", " a", "-b", "+B", *(f" {one}" for one in "cdefgh"), "+i"]
    )
    assert list(unified("rules", before, before)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([f"x{one % 101}" for one in range(20_000)], [f"x{one * 7 % 101}" for one in range(20_000)]),
        ([f"{one} {one % 5 == 0}" for one in range(20_000)], [f"{one} no" for one in range(20_000)]),
        (["a"] * 20_000, ["a", "b"] * 10_000),
    ],
    ids=["few words", "every fifth line", "one word"],
)
def test_no_text_makes_it_compare_more_than_small_pieces_line_by_line(monkeypatch, before, after) -> None:
    """`difflib` takes minutes for each of these; 100 KB typed into a form would keep a worker busy for an hour."""
    compared: list[int] = []
    whole = difflib.SequenceMatcher.get_matching_blocks

    def counted(matcher):
        compared.append(len(matcher.a) * len(matcher.b))
        return whole(matcher)

    monkeypatch.setattr(difflib.SequenceMatcher, "get_matching_blocks", counted)
    assert patched(before, list(unified("text", before, after))) == after
    assert sum(compared) <= 60 * (len(before) + len(after))
