"""The scenario of the main job: each step says what was asked and answered, and fails if it is not as promised.

Everything goes through the real HTTP endpoints, by forms and cookies, and through stock AWS clients.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus

from botocore.exceptions import ClientError

from federation_bridge.sandbox.aws_cli import AwsCli, unpacked_cli
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION
from federation_bridge.sandbox.scripted_user import (
    Credentials,
    ScriptedUser,
    caller_arn,
    list_buckets,
    read_object,
    write_object,
)
from federation_bridge.sandbox.telling import StepFailed, Teller
from federation_bridge.sandbox.terminal import DeviceLogin, Terminal

_REPORT = "production-reports/2026/summary.txt"
_MINUTE, _LOOK_AGAIN = 60.0, 0.1
_PROFILE = ("--profile", "production-Developer")
_WHO = ("sts", "get-caller-identity", *_PROFILE, "--query", "Arn", "--output", "text")
_COPY = (f"s3://{_REPORT}", "-", *_PROFILE)


def run_scenario(company: Company, tell: Teller) -> None:
    """Walks the whole main job; StepFailed at the first answer that is not the promised one."""
    terminal, unpacking = Terminal(company.folder / "home", company), _unpacking()
    terminal.home.mkdir(exist_ok=True)
    tell.chapter("Ada Moss works in an account that trusts our SAML, and in one of OpenID Connect")
    ada = _sign_in(company, tell, "ada", "company", "SAML 2.0")
    with _let_in(tell, terminal, ada) as login:
        developer = _take_credentials(tell, ada, f"{PRODUCTION}/Developer", "AssumeRoleWithSAML")
        _use_in_production(company, tell, developer)
        _open_console(tell, ada, f"{PRODUCTION}/Administrator", "a form that posts our assertion to AWS's sign-in page")
        ada_by_oidc = _sign_in(company, tell, "ada", "company-oidc", "OpenID Connect")
        administrator = _take_credentials(tell, ada_by_oidc, f"{ANALYTICS}/Administrator", "AssumeRoleWithWebIdentity")
        _use_in_analytics(company, tell, administrator)
        _open_console(tell, ada_by_oidc, f"{ANALYTICS}/Administrator", "a login link made with getSigninToken")
        tell.chapter("Others may do less, and are told why")
        _contractor(company, tell)
        _auditor(company, tell)
        _nobody(company, tell)
        tell.chapter("Back at Ada's terminal, every AWS tool works")
        _at_the_terminal(tell, terminal, login, unpacking)
    tell.chapter("Carla's contract ends, and what she holds in AWS with it")
    _off_board(company, tell)
    tell.chapter("In the end")
    _after_expiry(company, tell, developer)


# ------------------------------------------------------------------------------------------------------ at the bridge


def _sign_in(company: Company, tell: Teller, login: str, connection: str, protocol: str) -> ScriptedUser:
    scripted_user = ScriptedUser(company, login)
    tell.step(f"{scripted_user.person.name} signs in over {protocol}.")
    tell.asked(f"{company.bridge}/ -> choose {connection!r} -> name and password at {company.addresses.provider}")
    page = scripted_user.sign_in(connection)
    _expect(page.url == f"{company.bridge}/", f"no way back to the bridge: {page.url}: {page.words}")
    roles = scripted_user.roles()
    tell.answered(f"signed in; roles: {', '.join(roles) or 'none'}")
    return scripted_user


def _take_credentials(tell: Teller, scripted_user: ScriptedUser, role: str, action: str) -> Credentials:
    tell.step(f'{scripted_user.person.name} presses "Show credentials" for {role} (the bridge asks STS: {action}).')
    tell.asked(f"POST /roles/{role}/credentials")
    credentials = _credentials(scripted_user, role)
    tell.answered(f"{credentials.access_key_id}, good until {credentials.expires_at}")
    return credentials


def _credentials(scripted_user: ScriptedUser, role: str) -> Credentials:
    try:
        return scripted_user.credentials(role)
    except LookupError as problem:
        raise StepFailed(str(problem)) from None


def _open_console(tell: Teller, scripted_user: ScriptedUser, role: str, way: str) -> None:
    tell.step(f"{scripted_user.person.name} opens the console as {role}: {way}.")
    tell.asked(f"POST /roles/{role}/console, and followed where it leads")
    page = scripted_user.console(role)
    _expect(page.by_id.get("account") == role.partition("/")[0], f"no console: {page.url}: {page.words}")
    tell.answered(f"the console of {page.by_id['account']} as {page.by_id['principal']}")


def _contractor(company: Company, tell: Teller) -> None:
    carla = _sign_in(company, tell, "carla", "company", "SAML 2.0")
    reader = _take_credentials(
        tell, carla, f"{ANALYTICS}/DataReader", "AssumeRoleWithWebIdentity, with a session policy"
    )
    public, private = "analytics-data/public/cities.csv", "analytics-data/private/salaries.csv"
    tell.step("She reads what the session policy leaves her ...")
    _call(tell, f"s3 get-object {public}", lambda: _read(company, reader, public))
    tell.step("... and not what the role itself could read, for the session policy is narrower.")
    _denied(tell, f"s3 get-object {private}", lambda: _read(company, reader, private))


def _auditor(company: Company, tell: Teller) -> None:
    bruno = _sign_in(company, tell, "bruno", "company-oidc", "OpenID Connect")
    _expect(bruno.roles() != [], "the auditor has no role within the dates of the audit")
    _why(tell, bruno, "company-oidc.audit")
    _why(tell, bruno, "company-oidc.audit-of-last-year")


def _nobody(company: Company, tell: Teller) -> None:
    dan = _sign_in(company, tell, "dan", "company", "SAML 2.0")
    _expect(dan.roles() == [], "somebody without access has a role")
    _why(tell, dan, "company.platform")
    tell.step("He asks for a role all the same.")
    tell.asked(f"POST /api/v1/roles/{PRODUCTION}/Administrator/credentials")
    answer = dan.call_api("POST", f"/roles/{PRODUCTION}/Administrator/credentials", {})
    _expect(answer.status == HTTPStatus.FORBIDDEN, f"a role without a rule was answered {answer.status}")
    tell.answered(f"{answer.status} {answer.body.strip()}")


def _why(tell: Teller, scripted_user: ScriptedUser, rule: str) -> None:
    tell.step(f"{scripted_user.person.name} asks why: rule {rule}.")
    tell.asked("GET /api/v1/explanation")
    explanation = scripted_user.call_api("GET", "/explanation").json()
    found = next((one for one in explanation["rules"] if one["rule"] == rule), None)
    if found is None:
        raise StepFailed(f"rule {rule} is not explained")
    granted = ", ".join(found["granted"]) or "nothing"
    tell.answered(f"grants {granted}: {'; '.join(found['reasons'])}")


# --------------------------------------------------------------------------------------------------- at the terminal


def _unpacking() -> Future[AwsCli]:
    """The real AWS CLI, which the first run on a machine unpacks: meanwhile the scenario goes on."""
    outcome: Future[AwsCli] = Future()

    def unpack() -> None:
        try:
            outcome.set_result(unpacked_cli())
        except Exception as problem:
            outcome.set_exception(problem)

    threading.Thread(target=unpack, daemon=True).start()
    return outcome


@contextmanager
def _let_in(tell: Teller, terminal: Terminal, scripted_user: ScriptedUser) -> Iterator[DeviceLogin]:
    tell.step(f"{scripted_user.person.name} lets in a terminal that has no browser: fedbridge login --device.")
    tell.asked(f"fedbridge login {terminal.company.bridge} --device, which told a code")
    with terminal.device_login(scripted_user) as login:
        tell.answered(
            f"she typed it at {terminal.company.bridge}/device, the page asked, and she let it in: {login.asked}"
        )
        yield login


def _at_the_terminal(tell: Teller, terminal: Terminal, login: DeviceLogin, unpacking: Future[AwsCli]) -> None:
    tell.step("The terminal, which asks every five seconds, has noticed that she let it in.")
    tell.asked("the same fedbridge login")
    _terminal(tell, lambda: login.ended().strip().splitlines()[-1])
    cli = unpacking.result()
    tell.step("Ada lets fedbridge write a profile per role, and the real AWS CLI just works.")
    tell.asked("fedbridge configure --yes")
    _terminal(tell, lambda: terminal.fedbridge("configure", "--yes").strip().splitlines()[-1])
    # Both start at once: one asks the bridge, the other has the credentials from there.
    with ThreadPoolExecutor() as pool:
        who, report = pool.submit(terminal.aws, cli, *_WHO), pool.submit(terminal.aws, cli, "s3", "cp", *_COPY)
        tell.asked("aws sts get-caller-identity --profile production-Developer")
        _terminal(tell, who.result)
        tell.asked(f"aws s3 cp {' '.join(_COPY)}, started at the same time")
        _terminal(tell, report.result)


def _terminal(tell: Teller, command: Callable[[], str]) -> None:
    try:
        tell.answered(command())
    except LookupError as problem:
        raise StepFailed(str(problem)) from None


# ------------------------------------------------------------------------------------------------------------- at AWS


def _use_in_production(company: Company, tell: Teller, credentials: Credentials) -> None:
    tell.step("The credentials say whom they stand for ...")
    _call(tell, "sts get-caller-identity", lambda: caller_arn(company, credentials))
    tell.step("... may do what the role may ...")
    _call(tell, f"s3 get-object {_REPORT}", lambda: _read(company, credentials, _REPORT))
    tell.step("... and nothing else: the same live session is denied what the role may not.")
    forged = "production-reports/2026/forged.txt"
    _denied(tell, f"s3 put-object {forged}", lambda: write_object(company, credentials, *forged.split("/", 1)))


def _use_in_analytics(company: Company, tell: Teller, credentials: Credentials) -> None:
    tell.step("These credentials work, too, in the account that knows the bridge as an OIDC provider.")
    _call(tell, "sts get-caller-identity", lambda: caller_arn(company, credentials))
    _call(tell, "s3 list-buckets", lambda: ", ".join(list_buckets(company, credentials)))


def _off_board(company: Company, tell: Teller) -> None:
    users = [_sign_in(company, tell, login, "company", "SAML 2.0") for login in ("carla", "hal")]
    role, object_ = f"{ANALYTICS}/DataReader", "analytics-data/public/cities.csv"
    carlas, hals = [_take_credentials(tell, one, role, "AssumeRoleWithWebIdentity") for one in users]
    _call(tell, f"s3 get-object {object_}, as Carla", lambda: _read(company, carlas, object_))
    company.connect_by_scim()
    tell.step("The company's directory disables Carla, and tells the bridge by SCIM.")
    tell.asked('PATCH /scim/v2/company/Users/...: {"op": "Replace", "path": "active", "value": "False"}')
    company.directory.off_board("carla")
    told_at = time.monotonic()
    _expect(users[0].open().has_form("/sign-in"), "she is still signed in")
    tell.answered("taken; her browser is signed out in the same moment, and she is let in no more")
    tell.step("Her live AWS session is denied within a minute: an explicit deny in its role's boundary ...")
    while _is_allowed(company, carlas, object_) and time.monotonic() < told_at + _MINUTE:
        threading.Event().wait(_LOOK_AGAIN)
    _denied(tell, f"s3 get-object {object_}", lambda: _read(company, carlas, object_))
    tell.answered(f"{time.monotonic() - told_at:.1f} seconds after the word of the directory")
    tell.step("... and Hal, who is in the same role, goes on.")
    _call(tell, f"s3 get-object {object_}", lambda: _read(company, hals, object_))


def _is_allowed(company: Company, credentials: Credentials, path: str) -> bool:
    try:
        return bool(_read(company, credentials, path))
    except ClientError:
        return False


def _after_expiry(company: Company, tell: Teller, credentials: Credentials) -> None:
    tell.step("The time of the first credentials is over (the local AWS lets their session end now).")
    company.end_session(credentials.access_key_id)
    _denied(tell, f"s3 get-object {_REPORT}", lambda: _read(company, credentials, _REPORT), code="ExpiredToken")


def _read(company: Company, credentials: Credentials, path: str) -> str:
    return read_object(company, credentials, *path.split("/", 1)).strip()


def _call(tell: Teller, what: str, call: Callable[[], str]) -> None:
    tell.asked(what)
    try:
        tell.answered(call())
    except ClientError as refusal:
        raise StepFailed(f"{what}: {refusal}") from None


def _denied(tell: Teller, what: str, call: Callable[[], object], code: str = "AccessDenied") -> None:
    tell.asked(what)
    try:
        call()
    except ClientError as refusal:
        error = refusal.response.get("Error", {})
        _expect(error.get("Code") == code, f"{what}: refused, but not with {code}: {refusal}")
        tell.answered(f"{error.get('Code')}: {error.get('Message')}")
    else:
        raise StepFailed(f"{what}: was allowed")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise StepFailed(otherwise)
