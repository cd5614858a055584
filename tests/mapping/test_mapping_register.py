"""The account register: what it takes, and what it refuses with line and reason."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from mapping_factories import REGISTER_TEXT, register

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import load_register


def test_a_register_gives_accounts_with_their_roles_and_roads() -> None:
    accounts = register().accounts

    assert list(accounts) == ["111111111111", "222222222222", "333333333333"]
    assert accounts["111111111111"].role_arn("ReadOnly") == "arn:aws:iam::111111111111:role/teams/ReadOnly"
    assert accounts["111111111111"].roles["ReadOnly"].max_session == timedelta(hours=4)
    assert accounts["111111111111"].region == "eu-central-1"
    assert accounts["222222222222"].road == "oidc"
    assert (accounts["333333333333"].partition, accounts["333333333333"].region) == ("aws-cn", "cn-north-1")


def test_an_account_id_keeps_its_leading_zeros_without_quotes() -> None:
    text = REGISTER_TEXT.replace('"111111111111"', "012345670123").replace("::111111111111:", "::012345670123:")

    assert "012345670123" in load_register(text).accounts


def test_the_digest_follows_every_change() -> None:
    assert load_register(REGISTER_TEXT).digest != load_register(REGISTER_TEXT + "# \n").digest


@pytest.mark.parametrize(
    ("there", "instead", "line", "reason"),
    [
        ('"222222222222"\n', '"22222222222"\n', 9, "12 digits"),
        ('"222222222222"\n', '"\u066222222222222"\n', 9, "12 digits"),
        ('"222222222222"\n', '" 22222222222"\n', 9, "blank"),
        ("name: Development", "name: production", 10, "two accounts are named"),
        ("name: Development", "nam: Development", 10, "did you mean 'name'?"),
        ("name: Development", "name: 'Dev\u202eelopment'", 10, "cannot be seen"),
        ("partition: aws-cn", "partition: aws-us-gov", 15, "belongs to partition aws-cn"),
        ("partition: aws-cn", "partition: aws-ch", 15, "did you mean 'aws-cn'?"),
        ("arn:aws:iam::222222222222", "arn:aws:iam::111111111111", 11, "belongs to account 111111111111"),
        ("oidc-provider/bridge", "user/bridge", 11, "not the ARN"),
        ("oidc-provider/bridge", "oidc-provider/*", 11, "not the ARN"),
        ("arn:aws:iam::222", "arn:aws-x:iam::222", 11, "not the ARN"),
        ("region: eu-central-1", "region: cn-north-1", 7, "no region of aws: it belongs to aws-cn"),
        ("region: eu-central-1", "region: nowhere", 7, "no region of partition aws"),
        ("[Administrator, Developer]", "[]", 12, "must not be empty"),
        ("[Administrator, Developer]", "[Administrator, administrator]", 12, "twice"),
        ("[Administrator, Developer]", "['Admin*']", 12, "not a role name"),
        ("[Administrator, Developer]", "['a/b']", 12, "not a role name"),
        ("path: /teams/", "path: /teams", 8, "not a path"),
        ("max_session: 4h", "max_session: 13h", 8, "between 1h and 12h"),
        ("max_session: 4h", "max_session: soon", 8, "not a duration"),
        ("version: 1", "version: 2", 1, "must say `version: 1`"),
        ("version: 1", "versoin: 1", 1, "did you mean 'version'?"),
        ("name: Development", "name: Development\n    name: Other", 11, "stands here twice"),
        ("name: Development", "name: &a Development", 10, "anchors"),
        ("name: Development", "name: !!python/name:os.system Development", 10, "tags"),
        ("name: Development", "name: [unclosed", 11, "not YAML"),
    ],
)
def test_a_mistaken_register_is_refused_with_its_line_and_reason(there, instead, line, reason) -> None:
    assert there in REGISTER_TEXT

    with pytest.raises(ConfigurationInvalid) as refused:
        load_register(REGISTER_TEXT.replace(there, instead, 1))

    assert refused.value.detail.startswith(f"line {line}: ")
    assert reason in refused.value.detail


DETAILS = """environment: production
    tags: {cost-center: "4711", Team: ""}
    description: What customers use.
    color: red
    aliases: [prod, live]
    region: eu-central-1"""


def with_details(details: str) -> str:
    return REGISTER_TEXT.replace("region: eu-central-1", details)


def test_an_account_says_what_people_and_sets_of_accounts_go_by() -> None:
    account = load_register(with_details(DETAILS)).accounts["111111111111"]
    assert (account.environment, account.tags) == ("production", {"cost-center": "4711", "Team": ""})
    assert (account.description, account.color) == ("What customers use.", "red")
    assert account.aliases == ("prod", "live")
    role = load_register(with_roles("[{name: Developer, description: Writes.}]")).accounts["222222222222"].roles
    assert role["Developer"].description == "Writes."


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ("environment: Production", "not an environment"),
        ("environment: [production]", "must be a text"),
        ("color: rde", "did you mean 'red'?"),
        ("color: '#ff0000'", "not one of the colors"),
        ("tags: [a]", "`key: value` lines"),
        ("tags: {team: a, Team: b}", "stands here twice, in other letters"),
        ("tags: {'aws:x': a}", "aws:"),
        ("tags: {team: 'a!'}", "allows in no tag"),
        ("tags: {team: }", "must not be empty"),
        ("tags: {team: [a]}", "must be a text"),
        ("tags: {" + ", ".join(f"t{number}: a" for number in range(51)) + "}", "AWS takes 50"),
        ("aliases: [development]", "two accounts are named 'Development'"),
        ("aliases: [a, a]", "names the same twice"),
        (f"aliases: [{'a' * 65}]", "at most 64 characters"),
        ("aliases: [" + ", ".join(f"a{number}" for number in range(11)) + "]", "at most 10"),
        ("description: ''", "must not be empty"),
        (f"description: {'a' * 501}", "at most 500 characters"),
        ("descripton: a", "did you mean 'description'?"),
    ],
)
def test_details_that_could_be_misread_are_refused_with_their_line(details: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        load_register(with_details(details))
    assert refused.value.detail.startswith("line ")
    assert reason in refused.value.detail


def with_roles(roles: str) -> str:
    return REGISTER_TEXT.replace("[Administrator, Developer]", roles)


def test_a_role_may_be_allowed_web_identity_files_and_is_not_by_default() -> None:
    written = with_roles("[Developer, {name: Administrator, max_session: 2h, web_identity_file: true}]")
    roles = load_register(written).accounts["222222222222"].roles
    assert (roles["Administrator"].web_identity_file, roles["Developer"].web_identity_file) == (True, False)
    refused = with_roles("[{name: Developer, web_identity_file: false}]")
    assert not load_register(refused).accounts["222222222222"].roles["Developer"].web_identity_file


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (with_roles("[{name: Developer, max_session: 2h, web_identity_file: yes}]"), "line 12: .* is true or false"),
        (with_roles("[{name: Developer, web_identity_file: true}]"), "line 12: .* names its `max_session`"),
        (REGISTER_TEXT.replace("4h}", "4h, web_identity_file: true}"), "line 8: .* needs .* an OIDC provider"),
    ],
    ids=["another word", "without its longest session", "on the SAML road"],
)
def test_web_identity_files_are_refused_where_nothing_would_enforce_them(written: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        load_register(written)
    assert re.search(reason, refused.value.detail)


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "--- a\n--- b\n", "accounts: []", "- a", "\x00", "a: \ud800", "\tx: y"]
)
def test_what_is_no_register_at_all_is_refused_in_words(text) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^line \d+: "):
        load_register(text)
