# ruff: noqa: F811 - fixtures are named where they are asked for
"""What `fedbridge configure` recommends is there to be tried, and what it cannot write it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_factories import Person
from configure_fixtures import ROLES, ada, bridge, profiles_of  # noqa: F401 - fixtures
from fake_bridge import FakeBridge, Reply, fake_bridge, put_session

LINE = "{home}/.aws/config: profiles {counts} (--diff shows it all)\n"
TRY = "Written. Try: AWS_PROFILE={} aws sts get-caller-identity\n"


def configured(ada: Person, config: str, credentials: str = "", **variables: str) -> tuple[int, str]:
    (ada.home / ".aws/config").write_text(config)
    (ada.home / ".aws/credentials").write_text(credentials)
    status, _, told = ada.run("configure", "--yes", variables=variables)
    return status, told


def line(ada: Person, added: int = 0, removed: int = 0, changed: int = 0) -> str:
    counts = (f"+{added}" * bool(added), f"-{removed}" * bool(removed), f"{changed} changed" * bool(changed))
    return LINE.format(home=ada.home, counts=", ".join(count for count in counts if count))


def test_the_last_profile_is_recommended(ada: Person) -> None:
    assert configured(ada, "") == (0, line(ada, added=2) + TRY.format("testing-Developer"))


def test_a_profile_that_was_not_written_is_not_recommended(ada: Person) -> None:
    status, told = configured(ada, "[profile testing-Developer]\nregion = a\n")
    assert (status, told.endswith(TRY.format("production-Developer"))) == (0, True)
    both = "".join(f"[profile {name}-Developer]\nregion = a\n" for name in ("testing", "production"))
    status, told = configured(ada, both)
    assert (status, "Try" in told) == (0, False)


def test_a_profile_that_the_credentials_file_hides_is_not_recommended(ada: Person) -> None:
    assert configured(ada, "", "[testing-Developer]\naws_access_key_id = a\n")[1].endswith(
        TRY.format("production-Developer")
    )


def test_a_profile_that_this_shell_s_tools_do_not_find_is_not_recommended(ada: Person) -> None:
    assert configured(ada, "", AWS_CONFIG_FILE="") == (0, line(ada, added=2) + "Written.\n")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("[profile x]\nregion = a\n[profile x]\n", "line 3: [profile x] stands there twice"),
        ("\ufeff[profile x]\nregion = a\n", "it begins with a byte order mark"),
    ],
)
def test_a_file_that_aws_tools_refuse_is_left_alone_and_told(ada: Person, config: str, why: str) -> None:
    status, told = configured(ada, config)
    assert (status, why in told, "Try" in told) == (8, True, False)
    assert (ada.home / ".aws/config").read_text() == config


def test_what_changes_is_one_line_and_the_whole_only_where_it_is_asked_for(ada: Person, bridge: FakeBridge) -> None:
    assert ada.run("configure", "--dry-run") == (0, "", line(ada, added=2))
    assert not (ada.home / ".aws/config").exists()
    status, shown, told = ada.run("configure", "--dry-run", "--diff")
    without_the_hint = line(ada, added=2).replace(" (--diff shows it all)", "")
    assert (status, "+[profile testing-Developer]" in shown, told) == (0, True, without_the_hint)
    assert ada.run("configure", "--yes")[0] == 0
    third = ROLES[1] | {"account": "777788889999", "account_name": "audit"}
    bridge.answers["/api/v1/roles"] = Reply(body={"roles": [ROLES[0] | {"region": "eu-west-1"}, third]})
    status, _, told = ada.run("configure", "--yes")
    goes = "  Profiles that are removed: testing-Developer\n"
    assert (status, told) == (0, line(ada, added=1, removed=1, changed=1) + goes + TRY.format("audit-Developer"))
    assert ada.run("configure", "--yes")[2] == f"{ada.home}/.aws/config is up to date.\n"


def test_a_filter_brings_profiles_up_to_date_and_takes_away_none_of_a_role_that_one_has(
    ada: Person, bridge: FakeBridge
) -> None:
    assert ada.run("configure", "--yes", "--filter", "testing")[0] == 0
    status, _, told = ada.run("configure", "--yes", "--filter", "production")
    stay = "  Profiles that stay, outside of --filter: 1 (--replace removes them)\n"
    assert (status, told) == (0, line(ada, added=1) + stay + TRY.format("production-Developer"))
    assert profiles_of(ada) == ["testing-Developer", "production-Developer"]
    assert ada.run("configure", "--yes", "--filter", "production")[2].endswith("is up to date.\n")
    assert ada.run("configure", "--yes")[2].endswith("is up to date.\n"), "the order of the file is kept"
    bridge.answers["/api/v1/roles"] = Reply(body={"roles": ROLES[:1]})
    told = ada.run("configure", "--yes", "--filter", "production")[2]
    assert "  Profiles that are removed: testing-Developer\n" in told, "the role is lost, whatever the filter says"
    assert profiles_of(ada) == ["production-Developer"]


def test_with_replace_the_filter_is_all_that_stays_and_what_goes_is_named_first(ada: Person) -> None:
    assert ada.run("configure", "--yes")[0] == 0
    before = (ada.home / ".aws/config").read_text()
    words = ("configure", "--filter", "testing", "--replace")
    status, _, told = ada.run(*words, "--dry-run")
    assert (status, told) == (0, line(ada, removed=1) + "  Profiles that are removed: production-Developer\n")
    assert (ada.home / ".aws/config").read_text() == before
    assert ada.run(*words, "--yes")[0] == 0
    assert profiles_of(ada) == ["testing-Developer"]


def test_of_many_profiles_that_go_some_are_named(ada: Person, bridge: FakeBridge) -> None:
    many = [ROLES[0] | {"role": f"R{number}"} for number in range(9)]
    bridge.answers["/api/v1/roles"] = Reply(body={"roles": [*many, *ROLES]})
    assert ada.run("configure", "--yes")[0] == 0
    told = ada.run("configure", "--dry-run", "--replace", "--filter", "testing")[2]
    first = ", ".join(["production-Developer", *(f"production-R{number}" for number in range(4))])
    assert told.endswith(f"  Profiles that are removed: {first} and 5 more\n")


def test_what_was_just_written_is_recommended_before_what_was_there(ada: Person, bridge: FakeBridge) -> None:
    assert ada.run("configure", "--yes")[0] == 0
    first = ROLES[0] | {"account": "000011112222", "account_name": "audit"}
    bridge.answers["/api/v1/roles"] = Reply(body={"roles": [first, *ROLES]})
    assert ada.run("configure", "--yes")[2].endswith(TRY.format("audit-Developer"))


def test_a_profile_of_another_bridge_is_told_as_that(ada: Person, tmp_path: Path) -> None:
    assert ada.run("configure", "--yes")[0] == 0
    before = (ada.home / ".aws/config").read_text()
    with fake_bridge() as other:
        other.answers["/api/v1/roles"] = Reply(body={"roles": ROLES})
        (tmp_path / "state").mkdir()
        put_session(tmp_path / "state", other, ends_at=4_000_000_000)
        state = {"XDG_STATE_HOME": str(tmp_path / "state/.local/state")}
        status, _, told = ada.run("configure", "--yes", variables=state)
    assert (status, told.count(f"is one of {ada.bridge} and stays. Give this bridge a name")) == (0, 2), told
    assert (ada.home / ".aws/config").read_text() == before
