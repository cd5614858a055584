"""What `fedbridge configure` recommends is there to be tried, and what it cannot write it says."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import FakeBridge, Reply, fake_bridge, put_session

from federation_bridge import cli

LINE = "{home}/.aws/config: profiles {counts} (--diff shows it all)\n"
TRY = "Written. Try: AWS_PROFILE={} aws sts get-caller-identity\n"
ROLES = [
    {
        "account": account,
        "account_name": name,
        "partition": "aws",
        "role": "Developer",
        "role_arn": f"arn:aws:iam::{account}:role/Developer",
        "max_duration": "8h",
    }
    for account, name in (("111122223333", "production"), ("444455556666", "testing"))
]


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        made.answers["/api/v1/roles"] = Reply(body={"roles": ROLES})
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    (tmp_path / ".aws").mkdir()
    return Person(tmp_path, bridge.address)


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


# --------------------------------------------------------------------------------------------------------- what changes


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


def profiles_of(ada: Person) -> list[str]:
    text = (ada.home / ".aws/config").read_text()
    return [line.strip("[]").removeprefix("profile ") for line in text.splitlines() if line.startswith("[")]


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


# ------------------------------------------------------------------------------------------------------ configure --sso

SSO = ("configure", "--sso", "--yes", "--device")


@pytest.fixture
def signing(bridge: FakeBridge) -> FakeBridge:
    """A bridge at which stock clients can sign in."""
    code = {"userCode": "BCDF-GHJK", "verificationUri": f"{bridge.address}/device", "interval": 0, "deviceCode": "d"}
    ends = int(time.time()) + 86_400
    bridge.answers |= {
        "/client/register": Reply(body={"clientId": "a", "clientSecret": "b", "clientSecretExpiresAt": ends}),
        "/device_authorization": Reply(body=code),
        "/token": Reply(body={"accessToken": "a", "refreshToken": "stock-1", "expiresIn": 900}),
        "/oauth/revoke": Reply(body={}),
    }
    return bridge


def state(ada: Person) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (ada.home / ".aws").rglob("*") if path.is_file()}


def _refused(bridge: FakeBridge, _: Person) -> None:
    bridge.answers["/token"] = Reply(400, {"error": "access_denied"})


def _switched_off(bridge: FakeBridge, _: Person) -> None:
    bridge.answers["/client/register"] = Reply(400, {"error": "unauthorized_client"})


def _no_answer(bridge: FakeBridge, _: Person) -> None:
    bridge.answers["/device_authorization"] = Reply(0)


def _cache_is_no_folder(_: FakeBridge, ada: Person) -> None:
    (ada.home / ".aws/sso").mkdir()
    (ada.home / ".aws/sso/cache").write_text("")


def _changed_meanwhile(bridge: FakeBridge, ada: Person) -> None:
    def changed(_: object) -> Reply:
        config = ada.home / ".aws/config"
        config.write_text(config.read_text() + "# another program\n")
        return Reply(body={"accessToken": "a", "refreshToken": "stock-2", "expiresIn": 900})

    bridge.answers["/token"] = changed


REFUSALS = [(_refused, 4), (_switched_off, 4), (_no_answer, 6), (_changed_meanwhile, 8)]


@pytest.mark.parametrize(
    ("spoil", "status", "was_signed_in"),
    [
        *((spoil, status, was) for spoil, status in REFUSALS for was in (False, True)),
        (_cache_is_no_folder, 8, False),
    ],
)
def test_configure_sso_changes_nothing_before_all_that_can_fail_has_succeeded(
    ada: Person, signing: FakeBridge, spoil: Callable[[FakeBridge, Person], None], status: int, was_signed_in: bool
) -> None:
    if was_signed_in:
        assert ada.run(*SSO)[0] == 0
    assert ada.run("configure", "--yes")[0] == 0
    before = state(ada)
    spoil(signing, ada)
    before |= {path: data for path, data in state(ada).items() if path.endswith("/cache")}
    ended, _, told = ada.run(*SSO)
    after = state(ada)
    if spoil is _changed_meanwhile:
        assert signing.revoked()[-1:] == ["stock-2"], "a token that finds no place is ended"
        after[f"{ada.home}/.aws/config"] = before[f"{ada.home}/.aws/config"]
    assert (ended, after, "Traceback" in told) == (status, before, False), told
    assert not list((ada.home / ".aws").rglob(".*config*")), "no draft is left"


def test_where_nobody_would_see_the_code_it_says_so_and_asks_for_nothing(ada: Person, signing: FakeBridge) -> None:
    status, _, told = ada.run("configure", "--sso", "--yes")
    assert (status, "Run it in a terminal, or with --device" in told, signing.asked) == (3, True, [])


def test_configure_sso_puts_both_and_the_token_that_it_replaces_is_ended(ada: Person, signing: FakeBridge) -> None:
    assert ada.run(*SSO)[0] == 0
    signing.answers["/token"] = Reply(body={"accessToken": "a", "refreshToken": "stock-2", "expiresIn": 900})
    status, _, told = ada.run(*SSO)
    assert (status, "is up to date" in told, signing.revoked()) == (0, True, ["stock-1"])
    (token,) = (ada.home / ".aws/sso/cache").iterdir()
    assert (json.loads(token.read_text())["refreshToken"], token.stat().st_mode & 0o777) == ("stock-2", 0o600)
    assert "BAD" not in ada.run("doctor")[1].replace("BAD  Nobody", "").partition("Profiles of")[2]


def test_what_a_filter_leaves_keeps_the_sections_by_which_aws_clients_sign_it_in(
    ada: Person, signing: FakeBridge
) -> None:
    assert ada.run(*SSO)[0] == 0
    assert ada.run("configure", "--yes", "--filter", "testing")[0] == 0
    found = profiles_of(ada)
    assert [name.partition(" ")[0] for name in found] == [
        "sso-session", "services", "production-Developer", "testing-Developer",
    ]  # fmt: skip
    assert "BAD" not in ada.run("doctor")[1].replace("BAD  Nobody", "").partition("Profiles of")[2]
    assert ada.run("configure", "--yes")[0] == 0
    assert profiles_of(ada) == ["production-Developer", "testing-Developer"]


BROKEN: list[tuple[Callable[[Path, Path], object], str]] = [
    (lambda config, token: token.unlink(), "AWS clients have no token for"),
    (lambda config, token: token.write_text("{"), "AWS clients have no token for"),
    (lambda config, token: _set(token, "startUrl", "https://other.example/start"), "AWS clients have no token for"),
    (lambda config, token: _ended(token), "The token of AWS clients has ended."),
    (lambda config, token: _without(config, "services = fedbridge"), "lacks its services line"),
    (lambda config, token: _without(config, "[services fedbridge", 5), "[services fedbridge-"),
]


def _set(token: Path, name: str, value: str) -> None:
    token.write_text(json.dumps(json.loads(token.read_text()) | {name: value}))


def _ended(token: Path) -> None:
    for name in ("expiresAt", "registrationExpiresAt"):
        _set(token, name, "2020-01-01T00:00:00Z")


def _without(config: Path, begins: str, lines: int = 1) -> None:
    kept = config.read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(kept) if line.startswith(begins))
    config.write_text("".join(kept[:place] + kept[place + lines :]))


@pytest.mark.parametrize(("spoil", "sentence"), BROKEN)
def test_the_doctor_notices_a_broken_state_of_aws_clients(
    ada: Person, signing: FakeBridge, spoil: Callable[[Path, Path], object], sentence: str
) -> None:
    assert ada.run(*SSO)[0] == 0
    (token,) = (ada.home / ".aws/sso/cache").iterdir()
    assert "configure --sso" not in ada.run("doctor")[1]
    spoil(ada.home / ".aws/config", token)
    status, out, _ = ada.run("doctor")
    assert (status, sentence in out, "Please run: fedbridge configure --sso" in out) == (1, True, True), out


# ---------------------------------------------------------------------------------------------------------- the writers

WRITERS = {
    "files.py": "drafted: beside its place, then renamed",
    "single_flight.py": "a lock: what lies in it is a note",
    "cached_answer.py": "a mark, made exclusively",
    "session/redirect_file.py": "new, in a folder of its own",
    "session/login.py": "an empty mark; that it is missing costs a sentence",
    "credentials/process_file.py": "opened to be locked; written by files.py",
    "program.py": "the null device",
}
"""Every module that makes or changes files, and why nobody sees half of one."""


def test_every_writer_writes_whole_files_or_is_named_here() -> None:
    root = Path(cli.__file__).parent
    found = {str(path.relative_to(root)) for path in root.rglob("*.py") if _writes(ast.parse(path.read_text("utf-8")))}
    assert found - {"terminal/streams.py", "session/leftovers.py"} == set(WRITERS)


def _writes(tree: ast.Module) -> bool:
    made = {"O_CREAT", "O_WRONLY", "write_text", "write_bytes", "touch"}
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    modes = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return bool(made & names or modes & {"w", "wb", "ab", "a", "xb"})
