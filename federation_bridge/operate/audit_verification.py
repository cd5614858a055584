"""`audit verify`: the database, or exports and archives of it, against the seals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from federation_bridge.administration import audit
from federation_bridge.administration.sealing import opener, public_keys
from federation_bridge.audit.seal import Seal, SealedRow, read_export
from federation_bridge.audit.verification import Problem, Told, Verification
from federation_bridge.errors import BadRequest, ConfigurationInvalid
from federation_bridge.operate.opening import store_and_keys_looked_at
from federation_bridge.settings import load_settings
from federation_bridge.signing import Purpose

_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Line:
    """What is told of a verification, and whether it tells that something is wrong."""

    words: str
    is_wrong: bool = False


def lines(settings: Path, files: tuple[Path, ...], keys: Path | None, told: str) -> Iterator[Line]:
    """A line for each thing that is wrong, and what was found at the end.

    ConfigurationInvalid for files that cannot be read; BadRequest for a `told` that is none. Unavailable.
    """
    asked = _told(told)
    if files:
        yield from _said(*_of_files(files, _keys_of(settings, keys), asked))
        return
    with store_and_keys_looked_at(load_settings(settings)) as (store, ring):
        yield from _said(*audit.verification(store, ring, asked))


def _said(verification: Verification, problems: Iterator[Problem]) -> Iterator[Line]:
    for one in problems:
        entry = "" if one.row is None else f", entry {one.row}"
        yield Line(f"{one.wrong}: seal {one.seal}{entry}{'; ' if one.detail else ''}{one.detail}", is_wrong=True)
    yield Line(f"{verification.seals} seals; {verification.sealed} entries are as they were sealed")
    if verification.erased:
        yield Line(
            f"{verification.erased} entries of people who were erased: what named them is gone, the rest is as it was"
        )
    if verification.archived:
        yield Line(f"{verification.archived} entries were archived: verify the files, too")
    if verification.last is not None:
        yield Line(f"the last seal is {verification.last.number}:{verification.last.digest()}")
    yield Line(f"{verification.unsealed} entries are not sealed yet")


def _told(text: str) -> Told | None:
    if not text:
        return None
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(number) > _DIGITS or not digest:
        raise BadRequest("--told is NUMBER:DIGEST, as the log says it in `audit.sealed`")
    return Told(int(number), digest)


def _keys_of(settings: Path, file: Path | None) -> tuple[rsa.RSAPublicKey, ...]:
    if file is None:
        with store_and_keys_looked_at(load_settings(settings)) as (_, ring):
            return public_keys(ring)
    try:
        shown = json.loads(file.read_text("utf-8"))[Purpose.AUDIT.value]
        return tuple(RSAKey.import_key(one["jwk"]).public_key for one in shown)
    except (OSError, ValueError, KeyError, TypeError, JoseError, RecursionError) as problem:
        raise ConfigurationInvalid(f"{file} is not what `federation-bridge keys show` says: {problem}") from problem


def _of_files(
    files: tuple[Path, ...], keys: tuple[rsa.RSAPublicKey, ...], told: Told | None
) -> tuple[Verification, Iterator[Problem]]:
    """The files one after another, as one chain, which may begin in the middle: its first seal says where."""
    first = next((one for one in _read(files) if isinstance(one, Seal)), None)
    verification = Verification(opener(keys), told, continues=first.number if first else 1)
    # Read twice, side by side, so that seals and rows may stand in any order and nothing is held.
    seals = (one for one in _read(files) if isinstance(one, Seal))
    rows = (one for one in _read(files) if isinstance(one, SealedRow))
    return verification, verification.problems(seals, rows)


def _read(files: tuple[Path, ...]) -> Iterator[SealedRow | Seal]:
    for path in files:
        try:
            with path.open(encoding="ascii") as opened:
                yield from read_export(opened)
        except (OSError, ValueError) as problem:
            raise ConfigurationInvalid(f"{path}: {problem}") from problem
