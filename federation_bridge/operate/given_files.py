"""Files and folders that somebody names on a command line, as the texts of a rulebook."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.document import read_document
from federation_bridge.mapping.rules import RULES_SECTIONS
from federation_bridge.model import RulebookVersion
from federation_bridge.rulebook.parsing import Names
from federation_bridge.rulebook.rule_files import folders, rule_files
from federation_bridge.rulebook.source import texts_of_files
from federation_bridge.rulebook.texts import NamedTexts, Texts, named_texts


def texts_of(paths: Sequence[Path], stands: RulebookVersion | None) -> tuple[Texts, Names]:
    """The texts of these files and folders, and what each is called.

    The files that hold rules are all the rules there will be; a part that no file is about stays as in the version that
    stands. ConfigurationInvalid where a file holds neither part, a part is missing, or the register is given twice; and
    where files leave out some of several in force: whoever names one of them would take the others away.
    """
    rules, registers = _by_part(paths)
    if len(registers) > 1:
        raise ConfigurationInvalid(f"{registers[1][0]}: holds `accounts`, as {registers[0][0]} does: one is taken")
    old = None if stands is None else Texts.from_kept(stands.text)
    behind = "" if stands is None else f" of version {stands.number}"
    if rules and not folders(tuple(paths)):
        _check_none_left_out({path.name for path, _ in rules}, old, behind)
    written, rules_name = _rules(rules, old, behind, is_one=len(rules) == 1 and rules[0][0] in paths)
    if registers:
        return Texts(written, registers[0][1]), (rules_name, str(registers[0][0]))
    if old is None:
        raise _missing("accounts")
    return Texts(written, old.accounts), (rules_name, f"accounts{behind}")


def _rules(
    given: list[tuple[Path, str]], old: Texts | None, behind: str, *, is_one: bool
) -> tuple[str | NamedTexts, str | Mapping[str, str]]:
    """The rules that are given, or else those that stand; and what they are called."""
    if is_one:
        return given[0][1], str(given[0][0])
    if given:
        return named_texts((path.name, written) for path, written in given), {path.name: str(path) for path, _ in given}
    if old is None:
        raise _missing("rules")
    if isinstance(old.rules, str):
        return old.rules, f"rules{behind}"
    return old.rules, {name: f"{name}{behind}" for name, _ in old.rules}


def _missing(part: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"no file holds `{part}`, and no version is in force that does")


def _by_part(paths: Sequence[Path]) -> tuple[list[tuple[Path, str]], list[tuple[Path, str]]]:
    """The files of rules, and those of a register, each with its text."""
    rules: list[tuple[Path, str]] = []
    registers: list[tuple[Path, str]] = []
    for path, written in texts_of_files(rule_files(tuple(paths))):
        (registers if part_of(path, written) == "accounts" else rules).append((path, written))
    return rules, registers


def _check_none_left_out(given: Collection[str], old: Texts | None, behind: str) -> None:
    if old is None or isinstance(old.rules, str):
        return
    if missing := [name for name, _ in old.rules if name not in given]:
        raise ConfigurationInvalid(
            f"{', '.join(missing)}{behind} would go: name all files of rules, or the folder that holds them; "
            "what is to go is left out of the folder"
        )


def part_of(file: Path, written: str) -> str:
    """`rules` or `accounts`, by what the file holds; ConfigurationInvalid."""
    names = read_document(written, str(file)).value
    held = set(names) if isinstance(names, dict) else set()
    parts = [part for part, sections in _HELD if held & sections]
    if len(parts) != 1:
        raise ConfigurationInvalid(f"{file}: line 1: is neither rules nor a register: it needs `rules` or `accounts`")
    return parts[0]


_HELD = (("rules", frozenset(RULES_SECTIONS) - {"version"}), ("accounts", frozenset({"accounts"})))
"""What a file of rules, and what a register has at its top."""
