"""`configure --sso`: signs stock AWS clients in as `aws sso login` would, and writes the token where they look for it.

The bridge speaks their dialect (JSON with camel case). The clients then renew the token themselves; it is not bound to
a key and lies in a file of theirs, so this is for tools that cannot run a `credential_process`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from federation_bridge.cli.aws_config.profiles import Profile, region_lines
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.roles import RoleOnOffer
from federation_bridge.cli.failures import CommandFailed, LoginRefused, SignInNeeded
from federation_bridge.cli.files import local_failure, private_folder, write_private
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.authorization import DEVICE_GRANT, discover, refusal
from federation_bridge.cli.session.login import pause, show_code
from federation_bridge.model import JsonObject

_CLIENT_ID = "aws-sso"
_REGION = "us-east-1"
"""Only a name to these clients: every address is the bridge's."""


def session_name(context: Context) -> str:
    """The name of the sso-session: one for each bridge."""
    return "fedbridge-" + context.folder.name.replace("+", "-").replace("=", "-")


def sections(context: Context) -> list[Profile]:
    """The sso-session and the services section, which every profile names."""
    name, address = session_name(context), context.address
    session = (f"sso_start_url = {address}/start", f"sso_region = {_REGION}")
    services = ("sso =", f"  endpoint_url = {address}", "sso_oidc =", f"  endpoint_url = {address}")
    scopes = "sso_registration_scopes = sso:account:access"
    return [
        Profile(f"sso-session {name}", "000000000000/sso-session", (*session, scopes)),
        Profile(f"services {name}", "000000000000/services", services),
    ]


def profile_lines(context: Context, role: RoleOnOffer) -> tuple[str, ...]:
    """The lines of the profile of a role; `services` belongs to the profile, no other place is read."""
    name = session_name(context)
    account, role_name = f"sso_account_id = {role.account}", f"sso_role_name = {role.role}"
    return (f"sso_session = {name}", account, role_name, f"services = {name}", *region_lines(role))


def write_token(context: Context) -> Path:
    """Signs in with a code and writes the token cache of AWS clients; the file's path.

    Raises:
        CommandFailed: nobody is there to be asked, or the sign-in was refused.
    """
    if context.way == "never" or not (context.terminal.can_tell or context.way == "device"):
        raise SignInNeeded(say("Nobody is signed in. Please run: fedbridge login {address}", address=context.address))
    path = _token_path(context)
    private_folder(path.parent)
    registered = _registered(context)
    client = {name: registered.text(name) for name in ("clientId", "clientSecret")}
    token = _token(context, client)
    ends_at = context.clock() + timedelta(seconds=token.number("expiresIn", 900))
    document = {
        "startUrl": f"{context.address}/start",
        "region": _REGION,
        "accessToken": token.text("accessToken"),
        "expiresAt": _instant(ends_at),
        **client,
        "registrationExpiresAt": _instant(
            datetime.fromtimestamp(registered.number("clientSecretExpiresAt", int(ends_at.timestamp())), UTC)
        ),
        "refreshToken": token.text("refreshToken"),
    }
    if replaced := forget_token(context):
        with suppress(CommandFailed):
            revoke(context, replaced)
    write_private(path, json.dumps(document).encode())
    return path


def _token_path(context: Context) -> Path:
    # The name that the clients compute themselves; SHA-1 protects nothing here.
    name = hashlib.sha1(session_name(context).encode(), usedforsecurity=False).hexdigest()
    return Path.home() / ".aws" / "sso" / "cache" / f"{name}.json"


def forget_token(context: Context) -> str:
    """Removes the token of AWS clients, if it is this bridge's; its refresh token, or nothing where there was none.

    Raises:
        LocalFailure: it lies there and cannot be removed.
    """
    path = _token_path(context)
    try:
        document = json.loads(path.read_bytes())
        is_ours = document.get("startUrl") == f"{context.address}/start"
    except (OSError, ValueError, AttributeError):
        return ""
    if not is_ours:
        return ""
    try:
        path.unlink()
    except OSError as refused:
        raise local_failure(path, refused) from None
    return str(document.get("refreshToken") or document.get("accessToken") or "")


def revoke(context: Context, token: str) -> None:
    """Ends the token of AWS clients at the bridge (RFC 7009); CommandFailed where the bridge cannot be told."""
    context.http.post_form(discover(context).revocation, {"client_id": _CLIENT_ID, "token": token})


def _registered(context: Context) -> Answer:
    body: JsonObject = {"clientName": "fedbridge", "clientType": "public", "scopes": ["sso:account:access"]}
    answer = context.http.post_json(f"{context.address}/client/register", body)
    if not answer.is_ok or not answer.text("clientId"):
        raise refusal(answer)
    return answer


def _token(context: Context, client: dict[str, str]) -> Answer:
    body: JsonObject = {**client, "startUrl": f"{context.address}/start"}
    begun = context.http.post_json(f"{context.address}/device_authorization", body)
    uri, code = begun.text("verificationUri"), begun.text("userCode")
    if not begun.is_ok or not code or not (context.http.is_ours(uri) and uri.isprintable()):
        raise refusal(begun)
    show_code(context, uri, code)
    question: JsonObject = {**client, "grantType": DEVICE_GRANT, "deviceCode": begun.text("deviceCode")}
    return _polled(context, question, begun.number("interval", 5), begun.number("expiresIn", 600))


def _polled(context: Context, question: JsonObject, interval: int, seconds: int) -> Answer:
    ends_at = time.monotonic() + seconds
    with context.terminal.progress(say("Waiting for your approval")) as move:
        while time.monotonic() < ends_at:
            pause(interval, move)
            answer = context.http.post_json(f"{context.address}/token", question)
            if answer.is_ok and answer.text("accessToken"):
                return answer
            error = answer.text("error")
            interval += 5 if error == "slow_down" else 0
            if error not in {"authorization_pending", "slow_down"}:
                raise refusal(answer)
    raise LoginRefused(say("Nobody approved the sign-in in time. Please start again."))


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def with_lines(profiles: Sequence[Profile], context: Context, roles: Sequence[RoleOnOffer]) -> list[Profile]:
    """The same profiles, but signed in by the token cache."""
    by_key = {role.key: role for role in roles}
    made = [Profile(one.name, one.role, profile_lines(context, by_key[one.role])) for one in profiles]
    return [*sections(context), *made]
