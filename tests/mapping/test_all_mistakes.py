"""All mistakes of a text are told at once, each where it stands: nobody mends one to be told of the next."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
from mapping_factories import CONNECTIONS, REGISTER_TEXT, register, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid, Mistake, mistakes_of
from federation_bridge.mapping import load_register, load_rules, read_register
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.parsing import parsed
from federation_bridge.rulebook.texts import Texts

MARK = re.compile(r"<(?P<reason>[^<>]+)>")
"""Stands before the place where a mistake is to be told, and says a word of the sentence; it is cut out first."""

REGISTER = """\
version: <must say `version: 1`>2
accounts:
  - id: <12 digits>"1"
    name: <begins or ends with a blank>"Production "
    provider: <not the ARN>arn:aws:iam::1:user/bridge
    <did you mean 'region'>regoin: eu-central-1
    environment: <not an environment>Prod
    color: <did you mean 'red'>rde
    tags: {<keeps for itself>'aws:a': b, c: <allows in no tag>'d!', team: e, <in other letters>Team: f}
    links: [{name: A, page: <is no page of the console>https://evil.example/}, <`page`>{name: B}]
    aliases: [ok, <cannot be seen>"a\u200b", <begins or ends>" b", <names the same twice>ok]
    roles:
      - <not a role name>"a/b"
      - {name: Reader, path: <not a path>teams, max_session: <between 1h and 12h>13h, <did you mean 'path'>paht: /}
      - <stands here twice>reader
      - {name: Files, web_identity_file: <is true or false>yes, max_session: <not a duration>soon}
  - <needs `name`>id: "222222222222"
    provider: <belongs to account 333333333333>arn:aws:iam::333333333333:saml-provider/bridge
    region: <no region of aws>cn-north-1
    sign_in_regions: [<with a sign-in endpoint>nowhere, us-east-1, <stands here twice>us-east-1]
    roles: <must not be empty>[]
  - <`name: value` lines>word
  - id: "444444444444"
    name: Four
    provider: arn:aws-cn:iam::444444444444:saml-provider/bridge
    partition: <belongs to partition aws-cn>aws
    roles: [Reader]
  - id: <stands in the register twice>"444444444444"
    name: Five
    provider: arn:aws:iam::444444444444:saml-provider/bridge
    roles: [Reader]
  - id: "555555555555"
    name: <two accounts are named>four
    aliases: <two accounts are named>FIVE
    provider: arn:aws:iam::555555555555:saml-provider/bridge
    roles: [Reader]
"""

RULES = """\
version: <must say `version: 1`>2
<unknown key 'rulse'>rulse: []
groups:
  <at most 64 of>"plat form": g-1
  data: <must not be empty>""
  web: g-2
  again: <two names, 'web' and 'again'>g-2
policies:
  read: <is not JSON>"{"
  <at most 64 of>"a b": {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
  wide: {Version: <needs Version 2012-10-17>"2008-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}
rules:
  - {id: good, connection: entra, when: {group: {named: data}}, grant: {role: 111111111111/Administrator}}
  - {id: bad, connection: <did you mean 'entra'>entar, when: {group: a}, grant: {role: 111111111111/Administrator}}
  - id: block
    connection: entra
    <did you mean 'when'>wehn:
      group: a
    grant: {role: 111111111111/Administrator, session_policy: {named: read}}
administration:
  - {id: <not an entry's id>a b, as: <did you mean 'administrator'>administator, connection: entra, when: {group: a}}
  - {id: b, as: <needs `accounts`>author, connection: <mean 'okta'>okat, when: <every branch has to>{not: {group: a}}}
  - <needs `when`>{id: c, as: auditor, connection: entra, <unknown key 'since'>since: x}
  - {id: d, as: author, connection: entra, when: {group: a}, accounts: [<not registered>"1", <not registered>"2"]}
  - {id: <stands here twice>d, as: auditor, connection: entra, when: {group: {named: again}}}
  - {id: e, as: auditor, connection: entra, when: {group: {named: <did you mean 'web'>wbe}}}
second_person:
  accounts: ["111111111111", <no account>"111111111112", <no account>"3"]
  roles: [<not a role to mark>Administrator, <no role>"*/Admin", "*/Administrator"]
  rules: [good, bad, block, <no rule 'other'>other]
  <unknown key 'people'>people: x
"""


def marked(text: str) -> tuple[str, dict[tuple[int, int], str]]:
    """The text without marks; the word of each mark by line and column."""
    found: dict[tuple[int, int], str] = {}
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        rest = line
        while mark := MARK.search(rest):
            found[number, mark.start() + 1] = mark["reason"]
            rest = rest[: mark.start()] + rest[mark.end() :]
        lines.append(rest)
    return "\n".join(lines) + "\n", found


def told(problem: ConfigurationInvalid) -> list[Mistake]:
    mistakes = mistakes_of(problem)
    assert all(isinstance(one, Mistake) for one in mistakes)
    return [one for one in mistakes if isinstance(one, Mistake)]


def check(wanted: dict[tuple[int, int], str], mistakes: list[Mistake]) -> None:
    """Each mark is met by one mistake at its place, in the order in which people read, and no other is told."""
    assert [(one.line, one.column) for one in mistakes] == list(wanted)
    assert [one for one in mistakes if wanted[one.line, one.column] not in one] == []


def test_every_mistake_of_a_register_is_told_at_its_place() -> None:
    text, wanted = marked(REGISTER)
    with pytest.raises(ConfigurationInvalid) as refused:
        load_register(text)
    check(wanted, told(refused.value))


def test_every_mistake_of_names_administration_and_marks_is_told_at_its_place_with_those_of_the_rules() -> None:
    text, wanted = marked(RULES)
    with pytest.raises(ConfigurationInvalid) as refused:
        load_rules(text, register(), CONNECTIONS)
    check(wanted, told(refused.value))


BROKEN_DETAILS = REGISTER_TEXT.replace("region: eu-central-1", "region: nowhere")
BROKEN_NAMES = REGISTER_TEXT.replace("ReadOnly, path", "'Read*', path")
TWO_MISTAKEN_RULES = rules_text(
    rule("{grup: a}", name="a"), rule("{person: s-1}", "{role: '111111111111/ReadOnyl'}", name="b")
)


@pytest.mark.parametrize(
    ("accounts", "files"),
    [
        (REGISTER_TEXT, ["rules.yaml", "rules.yaml"]),
        (BROKEN_DETAILS, ["accounts.yaml", "rules.yaml", "rules.yaml"]),
        (BROKEN_NAMES, ["accounts.yaml"]),
        ("accounts: [", ["accounts.yaml"]),
    ],
    ids=["good", "only a detail is wrong", "a role has no name", "no YAML"],
)
def test_rules_are_read_too_where_the_register_tells_the_names(accounts: str, files: list[str]) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        parsed(Texts(TWO_MISTAKEN_RULES, accounts), Known(frozenset(CONNECTIONS)), ("rules.yaml", "accounts.yaml"))
    assert [one.file for one in told(refused.value)] == files


def test_a_register_with_mistakes_is_never_given_as_one() -> None:
    read = read_register(BROKEN_DETAILS)
    assert (bool(read.mistakes), read.names_all, len(read.register.accounts)) == (True, True, 3)
    with pytest.raises(ConfigurationInvalid):
        load_register(BROKEN_DETAILS)
    assert not read_register(REGISTER_TEXT).mistakes


def test_a_mistake_says_its_place_in_words_and_in_numbers_and_can_be_copied() -> None:
    one = Mistake("this is wrong", 3, 5, "rules.yaml")
    assert one == "rules.yaml: line 3: this is wrong (column 5)"
    for same in (copy.copy(one), pickle.loads(pickle.dumps(one)), one.within("other.yaml")):
        assert (same, same.file, same.line, same.column) == (one, "rules.yaml", 3, 5)
    assert Mistake("a", 1, 2).within("x") == "x: line 1: a (column 2)"
