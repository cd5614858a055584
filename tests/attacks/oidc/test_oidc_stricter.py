"""Each row of the table "Where we are stricter than the standards" is held by attacks that stay shut."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oidc.test_oidc_attacks import LIES

_TESTS = Path(__file__).parents[2]
_DOCUMENT = _TESTS.parent / "docs" / "oidc.md"

HELD_BY: dict[str, tuple[str, ...]] = {
    "`b64`, `zip`, `cty: JWT` in a token's header": ("i04 b64 alone", "i04 zip", "i04 nested, in full"),
    "any `crit`": ("i04 crit unknown", "i04 crit empty", "i04 crit null", "i04 crit of what is ignored"),
    "`typ` of the header": ("i09 an access token", "i09 a logout token", "i09 typ a list"),
    "size": ("i12 a long header", "i12 500 kB", "i19 a code of 5 kB", "i18 256 kB", "i18 51 keys"),
    "base64url": ("i12 another last character", "i12 padded"),
    "JSON": ("i11 a name twice, deep", "i11 a lone surrogate", "i11 NaN anywhere", "i11 5,000 levels"),
    "algorithms": ("i01 alg 'none' unsigned", "i02 RS512, which is not in our list"),
    "keys that do not fit": ("i02 a 1024 bit key", "i18 exponent 1", "i18 exponent even"),
    "a key set with a private or symmetric key": ("i18 a symmetric key", "i18 a private key"),
    "a kid twice": ("i18 a kid twice",),
    "no kid in the token": ("i03 kid missing, and two keys fit", "i03 kid missing, and no key fits"),
    "`aud`": ("i08 foreign aud with our azp", "test_i08_a_token_for_anybody_else_or_asked_for_by_another_does_not"),
    "`azp`": ("i08 azp of another client", "i08 azp empty"),
    "`exp`": ("i07 exp 25 hours ahead", "i07 exp a century ahead"),
    "`iat`": ("i07 iat of another day",),
    "`auth_time`": ("i07 auth_time ahead", "i07 auth_time '253402300799'"),
    "null for a claim that we read": ("i07 nbf 'None'", "i05 nonce None", "i10 at_hash 'None'", "i09 events null"),
    "`at_hash`, `c_hash`": ("i10 c_hash wrong", "i10 access token swapped"),
    "`events`, `typ`, `token_use` among the claims": ("i09 calls itself Bearer", "i09 token_use access"),
    "`sub`": (r"sub 'a\nb'", "sub ' a'"),
    "tokens in the answer": ("i19 an ID token from the front", "i19 a JARM answer"),
    "`iss` of the answer": ("i16 iss of another", "test_i16_iss_that_nobody_announced_is_compared_all_the_same"),
    "endpoints": ("i16 an endpoint on another host", "i16 an endpoint without TLS"),
    "redirects and statuses": ("token endpoint: a redirect", "token endpoint: 201"),
    "`token_type`": ("token endpoint: no bearer",),
    "signed userinfo": ("test_signed_userinfo_is_refused_by_its_media_type",),
}


def _rows() -> list[str]:
    section = _DOCUMENT.read_text(encoding="utf-8").partition("## Where we are stricter than the standards")[2]
    cells = [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")]
    return cells[1:]


def test_the_table_and_what_holds_it_name_the_same_rows() -> None:
    assert _rows() == list(HELD_BY)


@pytest.mark.parametrize("row", HELD_BY)
def test_a_row_is_held_by_attacks_that_every_preset_refuses(row: str) -> None:
    """The attacks themselves run in test_oidc_attacks, a test of its own where it is found by its name."""
    for attack in HELD_BY[row]:
        assert attack in LIES or _is_a_test(attack), attack


def _is_a_test(name: str) -> bool:
    files = [*(_TESTS / "attacks" / "oidc").glob("test_*.py"), *(_TESTS / "conformance").glob("test_oidc_settings*.py")]
    return any(re.search(rf"^def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE) for path in files)
