"""`fedbridge configure` brings its own profiles up to date and touches nothing else."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from federation_bridge.cli.aws_config import TEMPLATE, Profile, process_command, profiles, reconcile
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.roles import RoleOnOffer

BRIDGE = "https://aws.example.com"
FOREIGN = "# mine\n[default]\nregion = eu-west-1\n\n[profile hand-made]\ncredential_process = /mine\n"


def role(account: str = "111122223333", name: str = "Developer", account_name: str = "production") -> RoleOnOffer:
    return RoleOnOffer(account, account_name, "aws", name, f"arn:aws:iam::{account}:role/{name}", "1h")


def profile(name: str = "production-Developer", key: str = "111122223333/Developer") -> Profile:
    return Profile(name, key, (f"credential_process = /python -I -S /file /folder {key}",))


def read(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return parser


@pytest.mark.parametrize("before", ["", FOREIGN, FOREIGN.rstrip("\n"), FOREIGN.replace("\n", "\r\n")])
def test_profiles_are_added_behind_what_stands_there_and_a_second_run_changes_nothing(before: str) -> None:
    once = reconcile(before, BRIDGE, [profile()]).text
    assert once.startswith(before.rstrip("\r\n"))
    assert read(once)["profile production-Developer"]["credential_process"].endswith("/Developer")
    assert reconcile(once, BRIDGE, [profile()]).text == once


def test_a_profile_names_the_accounts_region_and_a_persons_own_choice_stays() -> None:
    named = RoleOnOffer("111122223333", "production", "aws", "Developer", "arn:x", "1h", region="eu-central-1")
    (made,) = profiles([named], TEMPLATE, {named.key: "/command"})
    once = reconcile("", BRIDGE, [made]).text
    assert read(once)[f"profile {made.name}"]["region"] == "eu-central-1"
    assert reconcile(once, BRIDGE, [made]).text == once
    chosen = once.replace("eu-central-1", "eu-west-3")
    assert reconcile(chosen, BRIDGE, [made]).text == chosen
    assert reconcile(once, BRIDGE, []).text.strip() == ""


def test_a_profile_whose_role_is_lost_is_removed_and_the_rest_is_as_it_was() -> None:
    both = reconcile(FOREIGN, BRIDGE, [profile(), profile("b", "111122223333/Other")]).text
    assert reconcile(both, BRIDGE, [profile()]).text == reconcile(FOREIGN, BRIDGE, [profile()]).text
    assert reconcile(both, BRIDGE, []).text == FOREIGN


def test_a_profile_of_the_same_name_that_is_not_ours_stays_and_is_named() -> None:
    found = reconcile(FOREIGN, BRIDGE, [profile("hand-made")])
    assert found.text == FOREIGN
    assert "hand-made" in found.notices[0]


def test_lines_that_a_person_added_to_our_profile_are_kept_also_when_the_role_is_lost() -> None:
    once = reconcile("", BRIDGE, [profile()]).text
    added = once.replace("# fedbridge end", "output = json\n# fedbridge end")
    renamed = reconcile(added, BRIDGE, [profile("renamed")])
    assert read(renamed.text)["profile renamed"]["output"] == "json"
    lost = reconcile(added, BRIDGE, [])
    assert (lost.text, len(lost.notices)) == (added, 1)


def test_the_profiles_of_another_bridge_are_not_ours_to_change() -> None:
    other = reconcile("", "https://other.example.com", [profile("theirs")]).text
    both = reconcile(other, BRIDGE, [profile()]).text
    assert reconcile(both, BRIDGE, []).text == other


def test_a_block_whose_end_was_cut_off_is_taken_for_the_persons_own() -> None:
    cut = reconcile("", BRIDGE, [profile()]).text.replace("# fedbridge end\n", "")
    assert reconcile(cut, BRIDGE, []).text == cut


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (TEMPLATE, "production-Developer"),
        ("{account}.{role}", "111122223333.Developer"),
        ("aws {role}", "aws-Developer"),
    ],
)
def test_a_profile_is_named_by_the_template(template: str, name: str) -> None:
    assert profiles([role()], template, {role().key: "x"})[0].name == name


@pytest.mark.parametrize("template", ["{nothing}", "{role.key}", "{role[0]}", "{", "default", "", "{role"])
def test_a_template_that_names_nothing_we_know_is_refused(template: str) -> None:
    with pytest.raises(UsageWrong):
        profiles([role()], template, {role().key: "x"})


def test_two_roles_never_share_a_profile() -> None:
    twins = [role(), role("444455556666")]
    with pytest.raises(UsageWrong, match="would both be called"):
        profiles(twins, TEMPLATE, {one.key: "x" for one in twins})


def test_an_account_name_cannot_write_lines_or_sections_of_its_own() -> None:
    hostile = role(account_name="a]\n[profile evil]\ncredential_process = evil")
    made = profiles([hostile], TEMPLATE, {hostile.key: "x"})[0]
    assert read(reconcile("", BRIDGE, [made]).text).sections() == [f"profile {made.name}"]


def test_a_path_with_a_space_is_quoted_and_one_that_shells_read_differently_is_refused() -> None:
    assert '"/a b/state"' in process_command(Path("/a b/state"), "111122223333/Developer", 0)
    for hostile in ("/a$b", '/a"b', "/a`b", "/a'b", "/a\\b"):
        with pytest.raises(UsageWrong):
            process_command(Path(hostile), "111122223333/Developer", 0)
