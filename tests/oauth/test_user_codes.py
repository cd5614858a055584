"""User codes: eight letters nobody misreads, read however people write them, and never guessed from the database."""

from __future__ import annotations

import secrets
from collections import Counter

import pytest

from federation_bridge.errors import WrongUserCode
from federation_bridge.oauth.user_codes import ALPHABET, keyed_hash, new_user_code, read_user_code


def test_a_code_has_eight_letters_of_an_alphabet_without_vowels_digits_and_doubles() -> None:
    code = new_user_code(secrets.token_bytes)
    assert len(code) == 9
    assert code[4] == "-"
    assert set(code) - {"-"} <= set(ALPHABET)
    assert not set(ALPHABET) & set("AEIOUY0123456789")


def test_every_letter_comes_equally_often() -> None:
    counted = Counter("".join(new_user_code(secrets.token_bytes).replace("-", "") for _ in range(5_000)))
    assert set(counted) == set(ALPHABET)
    assert max(counted.values()) < 1.25 * min(counted.values())


READ = [
    ("WDJB-MJHT", "WDJBMJHT"),
    ("wdjbmjht", "WDJBMJHT"),
    (" wdjb mjht\t", "WDJBMJHT"),
    ("W-D-J-B-M-J-H-T", "WDJBMJHT"),
    ("WDJB\u2013MJHT", "WDJBMJHT"),
]


@pytest.mark.parametrize(("typed", "letters"), READ)
def test_a_code_is_read_however_it_is_written(typed: str, letters: str) -> None:
    assert read_user_code(typed) == letters


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "WDJB",
        "WDJBMJHTT",
        "WDJBMJH0",
        "ADJBMJHT",
        "WDJB_MJHT",
        "\uff37DJBMJHT",
        "W" * 999,
    ],
)
def test_whatever_else_is_typed_is_a_wrong_code(typed: str) -> None:
    with pytest.raises(WrongUserCode):
        read_user_code(typed)


def test_the_stored_form_depends_on_the_key() -> None:
    assert keyed_hash(b"one", "WDJBMJHT") != keyed_hash(b"two", "WDJBMJHT")
