"""Tables of codes, sentences, fields and metrics: what people look up there is what the bridge says."""

from __future__ import annotations

import functools
import re
from dataclasses import fields

import pytest
from documents.blocks import ROOT, pages
from documents.tables import tables

from federation_bridge import errors
from federation_bridge.audit import EVENTS
from federation_bridge.cli import failures
from federation_bridge.cli.terminal.arguments import parser
from federation_bridge.settings import NOTICE_KINDS, Settings
from federation_bridge.web.pages import lengths

TABLES = tables()
_OTHERS = {"bridge_owner", "bridge_before_restore"}
"""A user and a database, whose names begin as metrics do."""
_FILE = re.compile(r"\.(?:yaml|json|sql|py|com)$")
_OF_OTHERS = {"status: Requester / RequestDenied"}
"""What a provider says, behind a word of ours."""
_SHORTEST = 3
"""Letters. A shorter part, such as a comma, stands everywhere."""


def every_code() -> set[str]:
    """The codes of refusals."""
    kinds, codes = [errors.BridgeError], set()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        codes.add(kind.code)
    return codes


def test_a_code_that_people_are_told_about_is_one_of_a_refusal() -> None:
    codes = TABLES["docs/portal.md: Refusals"].code(1)
    assert sorted(set(codes) - every_code()) == []
    assert codes


def test_the_caps_of_a_grant_stand_in_the_order_of_the_pages_own() -> None:
    assert len(TABLES["docs/portal.md: What was granted"].rows) == len(lengths.CAPS)
    first = [str(sentence) for sentence in lengths.CAPS.values()][:2]
    assert TABLES["docs/portal.md: What was granted"].column()[:2] == first


@functools.cache
def said(folder: str) -> str:
    """All that this part of the product says, with no seam between the parts of a text."""
    text = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / folder).rglob("*.py")))
    return re.sub(r'"\s+f?"', "", text)


def is_said(phrase: str, folder: str = "federation_bridge") -> bool:
    """Whether it says this. What is filled in may stand as `...`, as a number, or as a word within single quotes."""
    parts = (part.strip() for part in re.split(r"(?: is )?\.\.\.|[0-9]+|'\w+'", phrase))
    return all(part in said(folder) for part in parts if len(part) > _SHORTEST)


@pytest.mark.parametrize("name", ["docs/backup.md: SQLite", "docs/deployment.md: Change the sealing key 2"])
def test_sentences_that_a_page_explains_are_said(name: str) -> None:
    phrases = [phrase for cell in TABLES[name].column() for phrase in cell.split(", ")]
    assert [phrase for phrase in phrases if not is_said(phrase)] == []


@pytest.mark.parametrize("name", [name for name in TABLES if name.startswith("idp_metadata/")])
def test_sentences_by_which_a_provider_s_fault_is_found_are_said(name: str) -> None:
    told = [phrase for cell in TABLES[name].column() for phrase in re.findall(r'"([^"]+)"', cell)]
    assert [phrase for phrase in told if phrase not in _OF_OTHERS and not is_said(phrase)] == []


@pytest.mark.parametrize(
    ("do", "told"), TABLES["docs/sandbox.md: To be refused for the right reason"].rows, ids=lambda cell: cell[:30]
)
def test_what_the_local_aws_tells_of_a_refusal_is_said_there(do: str, told: str) -> None:
    _, code, sentence = told.split("`")
    place = "federation_bridge/sandbox/aws"
    assert is_said(f'"{code}"', place), do
    # The call and the kind of the policy are filled in; what stands in brackets stands for another sentence.
    parts = re.split(r"\([^)]*\)|sts:AssumeRoleWithSAML|identity-based|policy", sentence)
    assert [part for part in parts if not is_said(part, place)] == []


def test_entries_that_lead_from_cloudtrail_to_a_decision_have_those_fields() -> None:
    for cell in TABLES["docs/audit.md: From CloudTrail to the decision"].column(1):
        field, event = re.findall(r"`([\w.]+)`", cell)[:2]
        assert field in {one.name for one in fields(EVENTS[event])}, cell


def test_the_metrics_of_scim_stand_in_the_table_of_metrics_with_the_same_labels() -> None:
    told = TABLES["docs/scim.md: A client that stopped calling"].code()
    assert sorted(code for code in told if code.startswith("bridge_")) == sorted(
        code for code in TABLES["docs/deployment.md: What is counted"].code() if code in told
    )


def settings_named(page: str) -> set[str]:
    """What a page names as `section.setting`, as an event or as a line of the log, which look alike."""
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?:: [^`]*)?`", (ROOT / page).read_text("utf-8"))
    return {name for name in named if name.partition(".")[0] in Settings.model_fields and not _FILE.search(name)}


@pytest.mark.parametrize("page", [page for page in pages() if "/adr/" not in page and page != "docs/store.md"])
def test_no_page_names_a_setting_that_is_none(page: str) -> None:
    """But docs/store.md, on which these are the store's verbs."""
    known = {*TABLES["docs/settings.md: Settings"].code(), *EVENTS, *NOTICE_KINDS}
    assert [name for name in sorted(settings_named(page) - known) if not is_said(f'"{name}"')] == []


def test_no_page_names_a_metric_that_is_none() -> None:
    there = set(re.findall(r"`(bridge_[a-z_]+)", " ".join(TABLES["docs/deployment.md: What is counted"].column())))
    named = {found for page in pages() for found in re.findall(r"`(bridge_[a-z_]+)", (ROOT / page).read_text("utf-8"))}
    assert sorted(named - there - _OTHERS) == []


# ------------------------------------------------------------------------------------------------------ at a terminal


def test_each_command_of_the_table_has_the_options_that_stand_there() -> None:
    known = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    rows = [cell.split("`")[1].split() for cell in TABLES["docs/command-line.md: Commands"].column()]
    told = {words[0]: words[1:] for words in rows if words != ["fedbridge"]}
    assert sorted(told) == sorted(set(known) - {"complete"} | {"help"})
    for name, words in told.items():
        options = {option for action in known[name]._actions for option in action.option_strings}
        assert {found for word in words for found in re.findall(r"--[a-z]+(?:-[a-z]+)*", word)} <= options, name


def test_no_exit_status_stands_in_the_table_that_no_command_ends_with() -> None:
    told = {int(status) for status in TABLES["docs/command-line.md: Exit statuses"].column()}
    assert told - {kind.exit_status for kind in failures.CommandFailed.__subclasses__()} <= {0, 1, 2, 70, 130}
