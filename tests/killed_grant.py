"""A process that is killed between AWS's answer and the audit: `python killed_grant.py FOLDER SETTINGS` (JSON)."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sts_stub import granted, stub_sts
from web_factories import ACCOUNT, door_of, made_app

from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Groups, Identity, RequestOrigin, Session
from federation_bridge.store.live_grants import LiveGrants


def main(folder: Path, now: datetime, changes: dict[str, Any]) -> None:
    with stub_sts() as sts:
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/Administrator/ada@example.com"
        expiration = (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        sts.answers = [granted(arn=arn, expiration=expiration)]
        app = made_app(folder, lambda: now, aws={"local_endpoint": sts.url}, **changes)
        LiveGrants.completed = _killed  # type: ignore[method-assign, assignment]
        identity = Identity(
            "corp", "ada", name="Ada", email="ada@example.com", email_is_verified=True, groups=Groups(("admins",))
        )
        session = Session("a" * 64, identity, now, now, now + timedelta(hours=8))
        door_of(app).bridge.credentials(
            Caller(session, RequestOrigin("ref-killed")), RoleRequest(ACCOUNT, "Administrator")
        )


def _killed(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), json.loads(sys.argv[3]))
