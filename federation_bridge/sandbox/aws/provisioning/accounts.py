"""Accounts, and what lies in their buckets."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from federation_bridge.sandbox.aws.error_responses import validation_error
from federation_bridge.sandbox.aws.state import (
    AccountState,
    Bucket,
    State,
    StoredObject,
)

_ACCOUNT = re.compile(r"[0-9]{12}")


def add_account(state: State, account_id: str, *, partition: str = "aws", alias: str = "") -> AccountState:
    """A new, empty account."""
    if not _ACCOUNT.fullmatch(account_id):
        raise validation_error(f"{account_id!r} is not an account number of 12 digits")
    with state.lock:
        return state.accounts.setdefault(account_id, AccountState(account_id, partition, alias))


def put_bucket(
    state: State,
    account: AccountState,
    name: str,
    objects: Mapping[str, bytes] | None = None,
    region: str = "us-east-1",
) -> Bucket:
    """A bucket with objects."""
    now = state.now().replace(microsecond=0)
    bucket = Bucket(name, account.id, region, now)
    for key, body in (objects or {}).items():
        etag = f'"{uuid.uuid5(uuid.NAMESPACE_OID, key).hex}"'
        bucket.objects[key] = StoredObject(body, "binary/octet-stream", etag, now)
    with state.lock:
        state.buckets[name] = bucket
    return bucket
