"""A length that cannot be had is told with what helps: on the page, in the API and to stock AWS clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import HeldClock
from sts_stub import StubSts, refused, stub_sts
from web_factories import ACCOUNT, Person, door_of, person_at

CREDENTIALS = f"/roles/{ACCOUNT}/Administrator/credentials"
CONSOLE = f"/roles/{ACCOUNT}/Administrator/console"
TOO_LONG = refused("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
HELPS = "2h is more than this role's maximum in AWS. Please ask for less: 1h is never too much."
HELPS_IN_CHINESE = "2h 超过了该角色在 AWS 中的上限。请申请更短的时长：1h 总是可以的。"  # noqa: RUF001 - Chinese
NO_LENGTH = "A length of time is written like 30m, 1h or 1h30m."
NOT_SOLD = "A session lasts between 15m and 12h. Please ask for a length in between."


@pytest.fixture
def stub() -> Iterator[StubSts]:
    with stub_sts() as running:
        running.answers = [TOO_LONG]
        yield running


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock, stub: StubSts) -> Iterator[Person]:
    for one in person_at(tmp_path, clock, aws={"local_endpoint": stub.url, "console": "federation"}):
        one.sign_in(clock, "admins", "readers")
        yield one


def _told(person: Person, door: str, duration: str) -> str:
    """What is told by the door about a request for so long a session."""
    if door == "api":
        token = person.get("/api/v1/me").json["csrf_token"]
        headers = {"X-CSRF-Token": token}
        answer = person.client.post(
            f"/api/v1{CREDENTIALS}", base_url="https://aws.example.com", json={"duration": duration}, headers=headers
        )
        return str(answer.get_json()["error"]["message"])
    path = CONSOLE if door == "console" else CREDENTIALS
    language = "zh-CN" if door == "page in Chinese" else "en"
    page = person.post(path, {"duration": duration}, **{"Accept-Language": language}).text
    return str(page.replace("&#39;", "'"))


@pytest.mark.parametrize(
    ("door", "sentence"),
    [("api", HELPS), ("page", HELPS), ("page in Chinese", HELPS_IN_CHINESE), ("console", HELPS)],
)
def test_a_session_that_is_too_long_for_aws_is_told_with_what_helps_and_leads_to_aws_s_words(
    person: Person, door: str, sentence: str
) -> None:
    assert sentence in _told(person, door, "2h")
    entries = door_of(person.app).store.audit.entries()
    failed = next(entry for entry in entries if entry.event == "grant.failed")
    assert "MaxSessionDuration" in str(failed.details["detail"])


@pytest.mark.parametrize("door", ["api", "page"])
@pytest.mark.parametrize(
    ("duration", "sentence"), [("soon", NO_LENGTH), ("8 hours", NO_LENGTH), ("13h", NOT_SOLD), ("5m", NOT_SOLD)]
)
def test_a_length_that_is_none_or_that_aws_never_sells_is_told_before_aws_is_asked(
    person: Person, stub: StubSts, door: str, duration: str, sentence: str
) -> None:
    assert sentence in _told(person, door, duration)
    assert stub.asked == []
