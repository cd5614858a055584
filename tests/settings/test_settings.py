"""Settings: what is wrong stops the start, and the sentence names what to mend."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation_bridge.durations import format_duration, parse_duration
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.reference import markdown
from federation_bridge.settings import OidcConnection, Secret, Settings, load_settings, settings_from

GOOD: dict[str, Any] = {
    "base_url": "https://aws.example.com",
    "rules": "rules.yaml",
    "accounts": "accounts.yaml",
    "connections": {
        "okta": {"protocol": "saml", "title": "Okta", "metadata_file": "okta.xml"},
        "google": {
            "protocol": "oidc",
            "title": "Google",
            "issuer": "https://accounts.google.com",
            "client_id": "client",
            "client_secret": {"environment": "GOOGLE_SECRET"},
        },
    },
}


def made(**changes: Any) -> Settings:
    return settings_from({**GOOD, **changes}, Path("/etc/bridge"))


def with_connection(**changes: Any) -> dict[str, Any]:
    return {"connections": {"okta": {**GOOD["connections"]["okta"], **changes}}}


def test_good_settings_are_read_and_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    file = tmp_path / "bridge.yaml"
    file.write_text(
        "base_url: https://aws.example.com/\nrules: rules.yaml\naccounts: accounts.yaml\n"
        "connections:\n  okta: {protocol: saml, title: Okta, metadata_file: okta.xml, skew: 90s}\n"
    )
    settings = load_settings(file)
    assert settings.base_url == "https://aws.example.com"
    assert settings.rules == tmp_path / "rules.yaml"
    assert settings.connections["okta"].metadata_file == tmp_path / "okta.xml"  # type: ignore[union-attr]
    assert settings.connections["okta"].skew == timedelta(seconds=90)
    assert settings.database_url == f"sqlite:///{tmp_path / 'bridge.db'}"
    assert settings.saml_entity_id == "https://aws.example.com/saml/metadata"


MISTAKES = [
    ({"bas_url": "https://x.example.com"}, "bas_url: there is no such setting; did you mean `base_url`?"),
    ({"sessions": {"idel": "1h"}}, "sessions.idel: there is no such setting; did you mean `idle`?"),
    (with_connection(metadata_fil="x"), "did you mean `metadata_file`?"),
    ({"sessions": {"idle": "soon"}}, "'soon' is not a duration"),
    ({"base_url": "http://aws.example.com"}, "must begin with https://"),
    ({"base_url": "https://aws.example.com/bridge"}, "has no path"),
    ({"base_url": "https://u:p@aws.example.com"}, "carries no user name"),
    ({"connections": {}}, "connections"),
    ({"connections": {"Okta!": GOOD["connections"]["okta"]}}, "a connection is named with"),
    (with_connection(metadata_url="https://okta.example.com/m"), "give either `metadata_file` or `metadata_url`"),
    (with_connection(email_domains=["Example.COM"]), "is not a domain in lower case"),
    (with_connection(skew="10m"), "skew lies between"),
    (with_connection(networks=["10.0.0.0/40"]), "networks"),
    ({"aws": {"local_endpoint": "https://aws.example.com"}}, "on this machine only"),
    ({"aws": {"total_timeout": "5m"}}, "between 1s and 4m"),
    ({"aws": {"default_duration": "5m"}}, "between 15m and 12h"),
    ({"aws": {"default_duration": "13h"}}, "between 15m and 12h"),
    ({"serving": {"workers": 0}}, "serving.workers"),
    (
        {"notices": {"mail": {"ops": {"hots": "x"}}}},
        "notices.mail.ops.hots: there is no such setting; did you mean `host`?",
    ),
    (
        {"notices": {"webhook": {"ops": {"ulr": "x"}}}},
        "notices.webhook.ops.ulr: there is no such setting; did you mean `url`?",
    ),
    (
        with_connection(scim={"quiet_aftr": "1h"}),
        "connections.okta.scim.quiet_aftr: there is no such setting; did you mean `quiet_after`?",
    ),
    ({"keys": {"sealing_key": {"fiel": "x"}}}, "keys.sealing_key.fiel: there is no such setting; did you mean `file`?"),
]


@pytest.mark.parametrize(("changes", "sentence"), MISTAKES, ids=[sentence for _, sentence in MISTAKES])
def test_a_wrong_setting_is_refused_with_what_to_mend(changes: dict[str, Any], sentence: str) -> None:
    made()
    with pytest.raises(ConfigurationInvalid) as refusal:
        made(**changes)
    assert sentence in refusal.value.detail


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationInvalid) as refusal:
        made(bas_url="x", sessions={"idle": "soon"})
    assert "bas_url" in refusal.value.detail
    assert "sessions.idle" in refusal.value.detail


@pytest.mark.parametrize("text", ["[1]", "a: b: c", "\x00"])
def test_a_file_that_is_not_settings_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bridge.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationInvalid, match=r"bridge\.yaml"):
        load_settings(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        load_settings(tmp_path / "none.yaml")


def test_a_secret_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text("hunter2\n")
    secret = Secret(file=file)
    assert secret.read() == "hunter2"
    assert "hunter2" not in repr(secret)


def test_an_empty_or_absent_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABSENT_SECRET", raising=False)
    for secret in (Secret(environment="ABSENT_SECRET"), Secret(file=tmp_path / "absent")):
        with pytest.raises(ConfigurationInvalid):
            secret.read()


def test_a_variable_that_is_not_set_and_one_that_is_empty_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret(environment="OUR_SECRET")
    monkeypatch.delenv("OUR_SECRET", raising=False)
    with pytest.raises(ConfigurationInvalid, match="variable OUR_SECRET, which holds a secret, is not set for this"):
        secret.read()
    monkeypatch.setenv("OUR_SECRET", " ")
    with pytest.raises(ConfigurationInvalid, match="variable OUR_SECRET, which holds a secret, is empty"):
        secret.read()


DURATIONS = [("90s", 90), ("15m", 900), ("1h30m", 5400), ("7d", 604_800), ("12h", 43_200)]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_a_duration_reads_as_people_write_it(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "1", "h", "-1h", "1h 30m", "1.5h", "\N{ARABIC-INDIC DIGIT ONE}h", "1h\n", "30m1h"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_the_page_of_settings_is_the_one_that_the_settings_make() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == markdown(), "run `federation-bridge settings > docs/settings.md`"


def test_every_setting_says_what_it_means() -> None:
    assert not [line for line in markdown().splitlines() if line.endswith("|  |")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("base_url: https://a.example.com\nbase_url: https://b.example.com\n", ("line 2: ", "`base_url`", 1)),
        ("audit:\n  also_to: nowhere\n  also_to: stdout\n", ("line 3: ", "`also_to`", 3)),
        ("connections:\n  corp: {}\n  corp: {}\n", ("line 3: ", "`corp`", 3)),
    ],
)
def test_a_name_that_stands_twice_is_refused_with_its_place(
    tmp_path: Path, text: str, place: tuple[str, str, int]
) -> None:
    path = tmp_path / "federation-bridge.yaml"
    path.write_text(text)
    line, name, column = place
    told = rf"{line}is not YAML: {name} stands here twice, first in line .* \(column {column}\)$"
    with pytest.raises(ConfigurationInvalid, match=told):
        load_settings(path)


_EACH = "write `postgresql+psycopg://USER@HOST/NAME` for PostgreSQL, `sqlite:////FOLDER/bridge.db` for SQLite"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://bridge@db/bridge", f"database: 'mysql' is no database that the bridge works with: {_EACH}"),
        ("postgresql+pyscopg://bridge@db/bridge", "(did you mean `postgresql+psycopg`?)"),
        ("postgres://bridge@db/bridge", "(did you mean `postgresql`?)"),
        ("sqlite+aiosqlite:////var/bridge.db", "'sqlite+aiosqlite' is no database that the bridge works with"),
        ("/var/lib/bridge/bridge.db", f"database: is no address of a database: {_EACH}"),
        ("postgresql+psycopg://bridge@db:54x2/bridge", "database: host and port cannot be read"),
        ("postgresql+psycopg://bridge@db:70000/bridge", "database: host and port cannot be read"),
        ("postgresql+psycopg://bridge:hunter2@db/bridge", "database: carries a password, which never stands in this"),
        ("sqlite://bridge.db", "database: SQLite needs a file"),
        ("sqlite://", "database: SQLite needs a file"),
        ("sqlite:///:memory:", "database: SQLite needs a file"),
        ("sqlite:////var/lib/bridge/", "database: SQLite needs a file"),
    ],
)
def test_an_address_of_no_database_is_told_with_those_that_there_are(url: str, sentence: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refusal:
        made(database=url)
    assert sentence in refusal.value.detail
    assert "hunter2" not in refusal.value.detail


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://bridge@db.example.com/bridge?sslmode=verify-full",
        "postgresql://bridge@[::1]:5433/bridge",
        "postgresql+psycopg://bridge@/bridge?host=/run/postgresql",
        "sqlite:////var/lib/bridge/bridge.db",
    ],
)
def test_an_address_of_a_database_is_taken_as_it_is(url: str) -> None:
    assert made(database=url, rulebook={"files_on_many_nodes": True}).database_url == url


def test_a_relative_path_of_sqlite_is_taken_from_the_files_folder() -> None:
    """From where a command is run, each folder would have a database of its own."""
    assert made(database="sqlite:///kept/bridge.db").database_url == "sqlite:////etc/bridge/kept/bridge.db"


def test_a_secret_is_refused_with_the_setting_that_names_it(tmp_path: Path) -> None:
    secret = {"file": str(tmp_path / "absent")}
    mail = {
        "host": "mail.example.com",
        "sender": "a@example.com",
        "to": ["b@example.com"],
        "user": "a",
        "password": secret,
    }
    found = made(
        database_password=secret,
        keys={"sealing_key": secret},
        connections={"google": {**GOOD["connections"]["google"], "client_secret": secret}},
        notices={"mail": {"ops": mail}},
    )
    google = found.connections["google"]
    assert isinstance(google, OidcConnection)
    for secret_of, setting in (
        (found.database_password, "database_password"),
        (found.keys.sealing_key, "keys.sealing_key"),
        (google.client_secret, "connections.google.client_secret"),
        (found.notices.mail["ops"].password, "notices.mail.ops.password"),
    ):
        assert secret_of is not None
        with pytest.raises(
            ConfigurationInvalid, match=rf"^{setting}: the secret file .*/absent cannot be read: No such"
        ):
            secret_of.read()
    with pytest.raises(ConfigurationInvalid, match=r"^the secret file"):
        Secret(file=tmp_path / "absent").read()


def test_a_secret_that_this_user_may_not_read_is_told_with_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "geteuid", lambda: 1)
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ConfigurationInvalid, match=r"cannot be read by this user \(daemon\): Permission denied"):
        Secret(file=tmp_path / "secret").read()
