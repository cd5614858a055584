"""`fedbridge configure` brings its own profiles up to date and touches nothing else."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from federation_bridge.cli.aws_config.blocks import Profile
from federation_bridge.cli.aws_config.files import Broken
from federation_bridge.cli.aws_config.profiles import TEMPLATE, process_command, profiles, reconcile
from federation_bridge.cli.credentials.roles import RoleOnOffer
from federation_bridge.cli.failures import UsageWrong

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


def test_a_profile_of_a_role_that_is_left_out_keeps_its_name_and_another_role_does_not_get_it() -> None:
    once = reconcile("", BRIDGE, [profile("Developer")]).text
    left_out = frozenset({"111122223333/Developer"})
    other = profile("Developer", "444455556666/Developer")
    found = reconcile(once, BRIDGE, [other], left_out)
    assert (found.text, found.stay, found.removed) == (once, 1, ())
    (told,) = found.notices
    assert told.startswith("The profile Developer belongs to 111122223333/Developer and stays, so 444455556666/")
    assert reconcile(once, BRIDGE, [other]).removed == ()
    assert "444455556666/Developer" in reconcile(once, BRIDGE, [other]).text


def test_the_profiles_of_another_bridge_are_not_ours_to_change() -> None:
    other = reconcile("", "https://other.example.com", [profile("theirs")]).text
    both = reconcile(other, BRIDGE, [profile()]).text
    assert reconcile(both, BRIDGE, []).text == other


def test_a_block_whose_end_was_cut_off_is_taken_for_the_persons_own() -> None:
    cut = reconcile("", BRIDGE, [profile()]).text.replace("# fedbridge end\n", "")
    assert reconcile(cut, BRIDGE, []).text == cut


@pytest.mark.parametrize("behind", ["output = json\n", "\n# mine\ns3 =\n  addressing_style = path\n"])
def test_settings_behind_the_end_of_our_block_are_of_its_profile_and_go_nowhere_else(behind: str) -> None:
    once = reconcile("[default]\nregion = a\n", BRIDGE, [profile()]).text + behind + "\n# of the next\n[profile mine]\n"
    renamed = reconcile(once, BRIDGE, [profile("renamed")]).text
    option = behind.split("=", maxsplit=1)[0].rsplit(maxsplit=1)[-1]
    assert option in read(renamed)["profile renamed"]
    assert dict(read(renamed)["default"]) == {"region": "a"}
    assert "# of the next\n[profile mine]" in renamed


def test_a_second_block_of_a_role_as_a_merge_leaves_it_is_dropped_and_one_with_own_lines_is_told() -> None:
    once = reconcile("", BRIDGE, [profile()]).text
    assert reconcile(once + "\n" + once, BRIDGE, [profile()]).text == once
    with pytest.raises(Broken, match="stands there twice"):
        reconcile(
            once
            + once.replace("# fedbridge end", "output = json\n# fedbridge end")
            + once
            + once.replace("# fedbridge end", "output = yaml\n# fedbridge end"),
            BRIDGE,
            [profile()],
        )


def test_a_bare_name_that_aws_tools_ignore_does_not_keep_the_profile_away() -> None:
    found = reconcile("[production-Developer]\nregion = a\n", BRIDGE, [profile()])
    assert found.written == ("production-Developer",)
    assert "AWS tools ignore [production-Developer]" in found.notices[0]


def test_what_is_written_is_what_stays_of_the_wish() -> None:
    found = reconcile(FOREIGN, BRIDGE, [profile("hand-made"), profile("b", "111122223333/Other")])
    assert found.written == ("b",)


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


@pytest.mark.parametrize(
    ("account_name", "name"),
    [
        ("production", "production-Developer"),
        ("Log Archive", "Log-Archive-111122223333-Developer"),
        ("生产", "111122223333-Developer"),
        ("生产 EU", "EU-111122223333-Developer"),
        ("Zürich", "Zurich-111122223333-Developer"),
        ("إنتاج", "111122223333-Developer"),
        ("🚀", "111122223333-Developer"),
        ("-a", "a-111122223333-Developer"),
        ("444455556666", "444455556666-111122223333-Developer"),
        ("EU-444455556666", "EU-444455556666-111122223333-Developer"),
        ("EU-111122223333", "EU-111122223333-Developer"),
    ],
)
def test_an_account_s_name_that_no_shell_takes_as_it_is_is_told_apart_by_its_number(
    account_name: str, name: str
) -> None:
    named = role(account_name=account_name)
    assert profiles([named], TEMPLATE, {named.key: "x"})[0].name == name


def test_n10_an_account_that_is_called_like_anothers_number_never_takes_its_profile() -> None:
    victim = role(account="444455556666", account_name="生产")
    hostile = role(account_name="444455556666")
    named = [profiles([one], TEMPLATE, {one.key: "x"})[0].name for one in (victim, hostile)]
    assert named == ["444455556666-Developer", "444455556666-111122223333-Developer"]


def test_a_path_with_a_space_is_quoted_and_one_that_shells_read_differently_is_refused() -> None:
    assert '"/a b/state"' in process_command(Path("/a b/state"), "111122223333/Developer", 0)
    for hostile in ("/a$b", '/a"b', "/a`b", "/a'b", "/a\\b"):
        with pytest.raises(UsageWrong):
            process_command(Path(hostile), "111122223333/Developer", 0)
