"""A register is brought up to a list of accounts: what is told, what is kept, and what is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from mapping_factories import REGISTER_TEXT

from federation_bridge.administration.account_import import (
    ImportTerms,
    RegisterDifference,
    difference,
    lines_of,
)
from federation_bridge.administration.accounts_given import MOST_BYTES, read_accounts
from federation_bridge.errors import ConfigurationInvalid, mistakes_of
from federation_bridge.mapping import load_register

ONE, TWO, THREE, NEW, OLD = "111111111111", "222222222222", "333333333333", "044444444444", "555555555555"
HAND = REGISTER_TEXT.replace(
    "    name: Development\n", "    # of the web team\n    name: Development   # since 2019\n    tags: {owner: web}\n"
)
READER = ImportTerms(("Reader",), "saml-provider/bridge")


def account(id_: str, name: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:organizations::{ONE}:account/o-example/{id_}"
    return {"Id": id_, "Arn": arn, "Email": "a@example.com", "Name": name, "Status": "ACTIVE"} | more


ALL = [account(ONE, "Production"), account(TWO, "Development"), account(THREE, "Beijing")]


def page(*accounts: Mapping[str, Any], **more: Any) -> str:
    return json.dumps({"Accounts": accounts, **more}, indent=4)


def made(*texts: str, terms: ImportTerms = READER, register: str = HAND) -> RegisterDifference:
    files = [(f"list-{number}", text) for number, text in enumerate(texts, 1)]
    return difference(register, read_accounts(files), terms)


def told(*texts: str, terms: ImportTerms = READER) -> list[str]:
    return [" ".join(line.split()) for line in lines_of(made(*texts, terms=terms), load_register(HAND))]


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        ((page(*ALL),), ["nothing would change in the register"]),
        ((page(*ALL, account(NEW, "New")),), [f"new {NEW} New"]),
        ((page(account(ONE, "Production"), account(TWO, "Web"), ALL[2]),), [f"renamed {TWO} Development -> Web"]),
        (
            (page(*ALL[:2]),),
            [f"gone {THREE} Beijing: stays; --remove takes it out", "nothing would change in the register"],
        ),
        (
            (page(*ALL[:2], account(THREE, "Beijing", Status="SUSPENDED"), account(OLD, "Old", State="CLOSED")),),
            [
                f"suspended {THREE} Beijing: stays; --remove takes it out",
                f"not taken {OLD}: suspended or closed",
                "nothing would change in the register",
            ],
        ),
        ((page(*ALL[:2], NextToken="x") + "\n" + page(ALL[2]),), ["nothing would change in the register"]),
        ((page(ALL[0]), page(*ALL[1:])), ["nothing would change in the register"]),
        ((f"id,name\n{ONE},Production\n{TWO},Development\n{THREE},Peking\n",), [f"renamed {THREE} Beijing -> Peking"]),
        (
            (f"\ufeffAccount ID,Email,Name,Status,Environment,tag:team\r\n{ONE},a@b,Production,Active,live,eu\r\n",),
            [
                f"changed {ONE} Production",
                f"gone {TWO} Development: stays; --remove takes it out",
                f"gone {THREE} Beijing: stays; --remove takes it out",
            ],
        ),
    ],
    ids=["same", "new", "renamed", "gone", "suspended", "pages in one file", "two files", "csv", "csv of the console"],
)
def test_the_difference_is_told_line_by_line(texts: tuple[str, ...], lines: list[str]) -> None:
    assert told(*texts) == lines


def test_what_was_written_by_hand_stays_and_only_what_the_list_says_changes() -> None:
    tags = [{"Key": "aws:createdBy", "Value": "x"}, {"Key": "cost", "Value": "47"}]
    found = made(page(ALL[0], account(TWO, "Web", Tags=tags), ALL[2], account(NEW, "New")))
    old, new = HAND.splitlines(), found.written.splitlines()
    assert [line for line in old if line not in new] == [
        "    name: Development   # since 2019",
        "    tags: {owner: web}",
    ]
    register = load_register(found.written)
    assert register.accounts[TWO].tags == {"owner": "web", "cost": "47"}
    assert "# of the web team" in found.written and "# since 2019" in found.written
    added = register.accounts[NEW]
    assert (added.name, tuple(added.roles)) == ("New", ("Reader",))
    assert added.provider_arn == f"arn:aws:iam::{NEW}:saml-provider/bridge"


def test_a_table_says_everything_of_a_new_account() -> None:
    head = "id,name,environment,color,partition,description,roles,tag:team\n"
    found = made(head + f'{NEW},New,live,red,aws-cn,"For A, B",Reader; Writer,data\n')
    added = load_register(found.written).accounts[NEW]
    assert (added.environment, added.color, added.description, added.tags) == (
        "live",
        "red",
        "For A, B",
        {"team": "data"},
    )
    assert (added.partition, list(added.roles)) == ("aws-cn", ["Reader", "Writer"])


def test_an_output_of_tags_alone_is_of_the_account_in_its_file_name() -> None:
    tags = json.dumps({"Tags": [{"Key": "team", "Value": "data"}]})
    found = difference(HAND, read_accounts([(f"in-{TWO}/tags-{ONE}.json", tags)]), READER)
    assert (found.changed, found.gone) == ((ONE,), ())
    assert load_register(found.written).accounts[ONE].tags == {"team": "data"}
    with pytest.raises(ConfigurationInvalid, match="put its id into the name of the file"):
        read_accounts([("tags.json", tags)])


def test_nothing_is_removed_unless_it_is_said_and_the_list_is_whole() -> None:
    two = page(ALL[0], account(TWO, "Development", Status="SUSPENDED"))
    assert set(load_register(made(two).written).accounts) == {ONE, TWO, THREE}
    removing = replace(READER, removes=True)
    assert set(load_register(made(two, terms=removing).written).accounts) == {ONE}
    with pytest.raises(ConfigurationInvalid, match="NextToken"):
        made(page(*ALL[:2], NextToken="more"), terms=removing)
    assert not made(page(*ALL[:2], NextToken="more")).is_whole


def test_names_of_the_register_stay_where_that_is_said() -> None:
    found = made(page(*ALL[:2], account(THREE, "Peking")), terms=replace(READER, keeps_names=True))
    assert (found.renamed, found.written) == ((), HAND)


def test_nothing_is_guessed_that_could_let_somebody_in() -> None:
    new = page(*ALL, account(NEW, "New"))
    with pytest.raises(ConfigurationInvalid, match="say which roles it has"):
        made(new, terms=ImportTerms((), "saml-provider/bridge"))
    with pytest.raises(ConfigurationInvalid, match="say which provider it has"):
        made(new, terms=ImportTerms(("Reader",)))
    for terms in (ImportTerms(("*",), READER.provider), ImportTerms(("Reader",), "saml-provider/*")):
        with pytest.raises(ConfigurationInvalid):
            made(new, terms=terms)


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        (page(account("12345", "x")), "is not an account id", (4, 19)),
        (page({"Name": "x"}), "needs `Id`", (3, 9)),
        (page(account(NEW, "=cmd()")), "begins like a formula", (7, 21)),
        (page(account(NEW, "a\u202eb")), "cannot be seen", (7, 21)),
        (page(account(NEW, "x", Status="GONE")), "is not the state of an account", (8, 23)),
        (page(account(NEW, "x"), account(NEW, "y")), "stands here twice, first in line 3", (10, 9)),
        (page(account(NEW, "x", Tags=[{"Key": "a", "Value": "@x"}])), "begins like a formula", (12, 30)),
        ('{"Accounts": [{"Id": "1", "Id": "2"}]}', "stands here twice", (1, 27)),
        ('{"Accounts": [', "not JSON", (1, 15)),
        ('{"Roles": []}', "not the output of `aws organizations`", (1, 1)),
        ("[1]", "not the output of `aws organizations`", (1, 1)),
        ("[" * 100_000, "not JSON", (1, 1)),
        (f"id,nmae\n{NEW},x\n", "did you mean 'name'", (1, 2)),
        ("name\nx\n", "needs a column `id`", (1, 1)),
        (f"id,name,name\n{NEW},x,y\n", "stands here twice", (1, 3)),
        (f"id,name\n{NEW},x,y\n", "it has 3 cells, and the first row 2", (2, 1)),
        ("id,name\n,x\n", "the row needs an id", (2, 1)),
        ("id,name\n4e11,x\n", "is not an account id", (2, 1)),
        (f"id,name\n{NEW},x\n{NEW},y\n", "stands here twice, first in line 2", (3, 1)),
        (f"id,name\n{NEW},+x\n", "begins like a formula", (2, 2)),
        (f'id,name\n{NEW},"a\nb"\n', "cannot be seen", (3, 2)),
        (f"id,name\n{NEW},a\x00b\n", "cannot be seen", (2, 2)),
        (f'id,name\n{NEW},"x\n', "not CSV", (2, 1)),
        (f"id,name,color\n{NEW},x,rde\n", "did you mean 'red'", (2, 3)),
        (f"id,name,environment\n{NEW},x,Live!\n", "is not an environment", (2, 3)),
        (f"id,name,partition\n{NEW},x,aws-ch\n", "did you mean 'aws-cn'", (2, 3)),
        (f"id,name,tag:team\n{NEW},x,a!\n", "allows in no tag", (2, 3)),
        (f"id,name,roles\n{NEW},x,Rea*er\n", "is not a role name", (2, 3)),
        (f"id,name\n{NEW},{'x' * 65}\n", "at most 64 characters", (2, 2)),
        (f"id,name\n{NEW},Pr\u043eduction\n", "only looks like 'Production', the name of account 111", (2, 1)),
        (f"id,name\n{NEW},production\n", "only looks like 'Production'", (2, 1)),
        (f"id,name\n{NEW},Same\n{OLD},Same\n", f"is also the name of account {NEW}", (3, 1)),
    ],
)
def test_a_list_that_could_mislead_is_refused_with_file_line_and_column(text: str, reason: str, place: Any) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        made(text)
    (one,) = mistakes_of(refused.value)
    assert reason in one
    assert (getattr(one, "file", ""), getattr(one, "line", 0), getattr(one, "column", 0)) == ("list-1", *place)


def test_names_that_change_places_are_no_twins() -> None:
    found = made(page(account(ONE, "Development"), account(TWO, "Production"), ALL[2]))
    assert [one.after for one in found.renamed] == ["Development", "Production"]


def test_all_mistakes_of_all_files_are_told_at_once() -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        made(page(account("1", "x"), account("2", "=y")), "id,name,color\n3,@x,rde\n")
    assert len(mistakes_of(refused.value)) == 6


@pytest.mark.parametrize("text", ["x" * (MOST_BYTES + 1), "", "id,name\n", page()])
def test_too_much_and_nothing_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(
        ConfigurationInvalid, match=r"more than 10000000 characters|the files name no account|column `id`"
    ):
        made(text)
