"""Events: their shape (CloudTrail's record contents), who the caller was, and where they are kept."""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from federation_bridge.sandbox.aws.answers import instant
from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.wire import Trail, Wire

_MOST = 20_000
_SOURCES = {"signin": "signin.amazonaws.com"}
_READING = ("Get", "List", "Head", "Lookup", "AssumeRole")

Event = dict[str, Any]


def identity_of(caller: Caller) -> dict[str, Any]:
    """The `userIdentity` of a signed call."""
    session = caller.session
    if session is None or not session.role:
        kind = "Root" if caller.identity_policies is None else "IAMUser"
        kind = "FederatedUser" if session is not None and session.kind == "federated-user" else kind
        named = {"userName": caller.user} if caller.user else {}
        return {"type": kind, **_principal(caller), **named}
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": session.role_id,
            "arn": session.role_arn,
            "accountId": session.account_id,
            "userName": session.role,
        },
        "attributes": {"creationDate": instant(session.issued_at), "mfaAuthenticated": "false"},
    }
    if session.source_identity:
        context["sourceIdentity"] = session.source_identity
    if ":oidc-provider/" in session.federated_provider:
        context["webIdFederationData"] = {"federatedProvider": session.federated_provider, "attributes": {}}
    return {"type": "AssumedRole", **_principal(caller), "sessionContext": context}


def _principal(caller: Caller) -> dict[str, str]:
    return {
        "principalId": caller.user_id,
        "arn": caller.arn,
        "accountId": caller.account_id,
        "accessKeyId": caller.access_key_id,
    }


def event_of(service: str, region: str, wire: Wire, trail: Trail, refused: Refused | None) -> Event:
    """One call as CloudTrail writes it."""
    is_data = service == "s3" and any(one.get("type") == "AWS::S3::Object" for one in trail.resources)
    event: Event = {
        "eventVersion": "1.11",
        "userIdentity": trail.identity or {"type": "Unknown"},
        "eventTime": instant(wire.received_at),
        "eventSource": _SOURCES.get(service, f"{service}.amazonaws.com"),
        "eventName": trail.name,
        "awsRegion": region,
        "sourceIPAddress": wire.source_ip,
        "userAgent": wire.headers.get("user-agent", ""),
        "requestParameters": trail.request,
        "responseElements": None if refused else trail.response,
        "requestID": wire.request_id,
        "eventID": str(uuid.uuid5(uuid.NAMESPACE_OID, wire.request_id)),
        "readOnly": trail.name.startswith(_READING),
        "resources": trail.resources,
        "eventType": "AwsConsoleSignIn" if trail.name == "ConsoleLogin" else "AwsApiCall",
        "managementEvent": not is_data,
        "recipientAccountId": trail.account_id,
        "eventCategory": "Data" if is_data else "Management",
    }
    if refused is not None:
        event.update(errorCode=refused.code, errorMessage=refused.message)
    return event


@dataclass(slots=True)
class Events:
    """The latest events of all accounts, newest last; `path` also takes each as one JSON line."""

    path: Path | None = None
    _events: deque[Event] = field(default_factory=lambda: deque(maxlen=_MOST))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, event: Event) -> None:
        """Keeps one event."""
        with self._lock:
            self._events.append(event)
            if self.path is not None:
                line = json.dumps(event, ensure_ascii=True) + "\n"
                handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(line)

    def of_account(self, account_id: str) -> list[Event]:
        """An account's events, newest first."""
        with self._lock:
            kept = list(self._events)
        return [event for event in reversed(kept) if event["recipientAccountId"] == account_id]
