# ruff: noqa: F811 - fixtures are named where they are asked for
"""CloudTrail of the local AWS, with unmodified boto3: whom it follows, and what it never holds."""

from __future__ import annotations

import json
import stat
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from local_aws_factories import ServedAws, allow, refusal
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws import provisioning


def _trail(served_aws: ServedAws) -> Any:
    keys = served_aws.user("auditor", allow("cloudtrail:LookupEvents"))
    return served_aws.client("cloudtrail", keys)


def _events(served_aws: ServedAws, **attribute: str) -> list[dict[str, Any]]:
    wanted = [{"AttributeKey": name, "AttributeValue": value} for name, value in attribute.items()]
    found = _trail(served_aws).lookup_events(LookupAttributes=wanted)["Events"]
    return [json.loads(one["CloudTrailEvent"]) for one in found]


def test_a_person_is_followed_from_the_sign_in_to_the_last_call(served_aws: ServedAws) -> None:
    attributes = {"SourceIdentity": ["alice"], "PrincipalTag:team": ["red"]}
    message = served_aws.message(attributes=attributes)
    answer = served_aws.assume(message)
    s3 = served_aws.client("s3", answer["Credentials"])
    s3.get_object(Bucket="reports", Key="a.txt")
    refusal(lambda: s3.delete_object(Bucket="reports", Key="a.txt"))
    denied, read = _events(served_aws, AccessKeyId=answer["Credentials"]["AccessKeyId"])
    assert (read["eventName"], denied["eventName"]) == ("GetObject", "DeleteObject")
    assert denied["errorCode"] == "AccessDenied"
    assert read["userIdentity"]["sessionContext"]["sourceIdentity"] == "alice"
    assert read["requestParameters"] == {"bucketName": "reports", "key": "a.txt"}
    (begun,) = _events_by_name(served_aws, "AssumeRoleWithSAML")
    assert begun["userIdentity"]["type"] == "SAMLUser"
    assert begun["userIdentity"]["principalId"] == f"{answer['NameQualifier']}:alice"
    assert begun["requestParameters"]["sAMLAssertionID"] == message.assertion_id
    assert begun["requestParameters"]["principalTags"] == {"team": "red"}
    assert begun["responseElements"]["credentials"]["accessKeyId"] == answer["Credentials"]["AccessKeyId"]
    assert begun["requestID"] == answer["ResponseMetadata"]["RequestId"]


def _events_by_name(served_aws: ServedAws, name: str) -> list[dict[str, Any]]:
    keys = served_aws.user("second-auditor", allow("cloudtrail:LookupEvents"))
    wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found = served_aws.client("cloudtrail", keys).lookup_events(LookupAttributes=wanted)["Events"]
    return [json.loads(one["CloudTrailEvent"]) for one in found]


def test_every_event_has_an_id_of_its_own_in_the_shape_of_a_uuid(served_aws: ServedAws) -> None:
    served_aws.assume()
    served_aws.assume()
    identifiers = [event["eventID"] for event in _events_by_name(served_aws, "AssumeRoleWithSAML")]
    assert len(set(identifiers)) == 2
    assert [str(uuid.UUID(one)) for one in identifiers] == identifiers


def test_a_refused_call_leaves_its_code_and_no_secret(served_aws: ServedAws, tmp_path: Path) -> None:
    served_aws.local.events.path = tmp_path / "events.jsonl"
    answer = served_aws.assume()
    refusal(lambda: served_aws.assume(served_aws.message(attributes={"RoleSessionName": None})))
    text = served_aws.local.events.path.read_text(encoding="ascii")
    assert answer["Credentials"]["SecretAccessKey"] not in text
    assert answer["Credentials"]["SessionToken"] not in text
    made, refused = (json.loads(line) for line in text.splitlines())
    assert "errorCode" not in made
    assert refused["errorCode"] == "InvalidIdentityToken"
    assert stat.S_IMODE(served_aws.local.events.path.stat().st_mode) == 0o600


def test_events_belong_to_their_account_and_come_in_pages(served_aws: ServedAws) -> None:
    for _ in range(3):
        served_aws.assume()
    other = served_aws.local.account("444455556666")
    root = provisioning.put_access_key(served_aws.local.state, other)
    theirs = served_aws.client("cloudtrail", {"AccessKeyId": root.id, "SecretAccessKey": root.secret})
    assert theirs.lookup_events()["Events"] == []
    trail = _trail(served_aws)
    first = trail.lookup_events(MaxResults=2)
    assert len(first["Events"]) == 2
    assert trail.lookup_events(MaxResults=2, NextToken=first["NextToken"])["Events"]
    assert refusal(lambda: trail.lookup_events(NextToken="x"))[0] == "InvalidNextTokenException"
    later = served_aws.clock() + timedelta(hours=1)
    assert trail.lookup_events(StartTime=later)["Events"] == []
