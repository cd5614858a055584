"""`configure --sso`: signs stock AWS clients in as `aws sso login` would, and writes the token where they look for it.

The bridge speaks their dialect (JSON with camel case). The clients then renew the token themselves; it is not bound to
a key and lies in a file of theirs, so this is for tools that cannot run a `credential_process`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from federation_bridge.cli.aws_config.blocks import Profile
from federation_bridge.cli.aws_config.files import Seen
from federation_bridge.cli.aws_config.profiles import region_lines
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.roles import RoleOnOffer
from federation_bridge.cli.failures import CommandFailed, LoginRefused, SignInNeeded
from federation_bridge.cli.files import drafted, local_failure, private_folder
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


def check_somebody_is_asked(context: Context) -> None:
    """Raises SignInNeeded where the sign-in for AWS clients could ask nobody."""
    if context.way == "never" or not (context.terminal.can_tell or context.way == "device"):
        raise SignInNeeded(
            say(
                "configure --sso asks for one more sign-in, by a code, for AWS clients, and nobody would see that "
                "here. Run it in a terminal, or with --device."
            )
        )


def sign_stock_clients_in(context: Context, put_config: Callable[[], None]) -> Path:
    """Signs in with a code, then puts token and config in their places; the token's path.

    What can fail comes first: until the person has signed in and the token lies on the disk beside its place, nothing
    is changed. A token that finds no place is ended at the bridge.

    Raises:
        CommandFailed: nobody is there to be asked, the sign-in was refused, or a file cannot be written.
    """
    check_somebody_is_asked(context)
    path = token_path(context)
    private_folder(path.parent)
    with drafted(path, b"{}"):
        # The place takes a file: that is known before the person is asked.
        document = _signed_in(context)
    replaced = _refresh_token(context)
    try:
        with drafted(path, json.dumps(document).encode()) as put_token:
            put_config()
            put_token()
    except BaseException:
        with suppress(CommandFailed):
            revoke(context, str(document["refreshToken"]))
        raise
    if replaced:
        with suppress(CommandFailed):
            revoke(context, replaced)
    return path


def _signed_in(context: Context) -> JsonObject:
    registered = _registered(context)
    client = {name: registered.text(name) for name in ("clientId", "clientSecret")}
    token = _token(context, client)
    ends_at = context.clock() + timedelta(seconds=token.number("expiresIn", 900))
    return {
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


def token_path(context: Context) -> Path:
    """Where AWS clients look for the token of this bridge."""
    # The name that the clients compute themselves; SHA-1 protects nothing here.
    name = hashlib.sha1(session_name(context).encode(), usedforsecurity=False).hexdigest()
    return Path.home() / ".aws" / "sso" / "cache" / f"{name}.json"


def what_is_wrong(context: Context, seen: Seen) -> Iterator[str]:
    """What keeps AWS clients from working by the profiles that `configure --sso` wrote; nothing where all is well."""
    name = session_name(context)
    profiles = [settings for settings in seen.profiles.values() if settings.get("sso_session") == name]
    if not profiles:
        return
    missing = [f"[{kind} {name}]" for kind in ("sso-session", "services") if f"{kind} {name}" not in seen.sections]
    if missing:
        yield say("{section} is missing. Please run: fedbridge configure --sso", section=missing[0])
    if any(settings.get("services") != name for settings in profiles):
        yield say("A profile of the token cache lacks its services line. Please run: fedbridge configure --sso")
    document = token_document(context)
    if document is None:
        yield say(
            "AWS clients have no token for {address}. Please run: fedbridge configure --sso", address=context.address
        )
    elif not _is_renewable(document, context.clock()):
        yield say("The token of AWS clients has ended. Please run: fedbridge configure --sso")


def _is_renewable(document: JsonObject, now: datetime) -> bool:
    """Whether the token still serves, or AWS clients can renew it themselves."""
    try:
        ends_at = datetime.fromisoformat(str(document["expiresAt"]))
        if ends_at > now:
            return True
        registered = datetime.fromisoformat(str(document["registrationExpiresAt"]))
    except (KeyError, ValueError, TypeError):
        return False
    return bool(document.get("refreshToken")) and registered > now


def forget_token(context: Context) -> str:
    """Removes the token of AWS clients, if it is this bridge's; its refresh token, or nothing where there was none.

    Raises:
        LocalFailure: it lies there and cannot be removed.
    """
    path, document = token_path(context), token_document(context)
    if document is None:
        return ""
    try:
        path.unlink(missing_ok=True)
    except OSError as refused:
        raise local_failure(path, refused) from None
    return _refresh_of(document)


def token_document(context: Context) -> JsonObject | None:
    """The token of AWS clients for this bridge, as it lies there; None where there is none of it."""
    try:
        document = json.loads(token_path(context).read_bytes())
        return document if document.get("startUrl") == f"{context.address}/start" else None
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _refresh_token(context: Context) -> str:
    document = token_document(context)
    return "" if document is None else _refresh_of(document)


def _refresh_of(document: JsonObject) -> str:
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
