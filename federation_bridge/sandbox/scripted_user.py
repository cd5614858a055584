"""A person of the example company at their browser: signs in at the bridge, looks at their roles, uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.config import Config

from federation_bridge.sandbox.browser import Browser, Page
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.directory import Person

_ONE_TRY = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the bridge's page showed."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: str
    assumed_role_arn: str


class ScriptedUser:
    """One person with one browser."""

    def __init__(self, company: Company, login: str) -> None:
        self.company = company
        self.person: Person = company.directory[login]
        self.browser = Browser()

    def open(self, path: str = "/") -> Page:
        """A page of the bridge, as if typed in."""
        return self.browser.open(self.company.bridge + path)

    def sign_in(self, connection: str = "company", path: str = "/") -> Page:
        """The page after choosing a company sign-in and typing name and password there."""
        page = self.open(path)
        page = self.browser.submit(page, page.form("/sign-in"), connection=connection)
        return self.type_password(page)

    def type_password(self, page: Page) -> Page:
        """The page after the identity provider's form was filled in; the same page where there is no such form."""
        if not page.has_form("/login"):
            return page
        person = self.person
        return self.browser.submit(page, page.form("/login"), login=person.login, password=person.password)

    def administer(self, path: str = "/administration") -> Page:
        """The page of administrators at `path`, with the second factor where it is asked for; already signed in."""
        page = self.open(path)
        if page.has_form("/device/sign-in"):
            page = self.type_password(self.browser.submit(page, page.form("/device/sign-in")))
        return page

    def roles(self) -> list[str]:
        """The roles on offer, as `account/role`."""
        marker, end = "/roles/", "/console"
        actions = [form.action for form in self.open().forms if marker in form.action]
        return list(dict.fromkeys(one.partition(marker)[2].removesuffix(end) for one in actions if one.endswith(end)))

    def ask_for_credentials(self, role: str) -> Page:
        """The page behind "Show credentials" of `account/role`, pressed among my roles."""
        page = self.open()
        return self.browser.submit(page, page.form(f"/roles/{role}/credentials"))

    def credentials(self, role: str) -> Credentials:
        """The credentials of `account/role`; LookupError where the page shows none."""
        page = self.ask_for_credentials(role)
        if "text-json" not in page.by_id:
            raise LookupError(f"no credentials on {page.url} ({page.status}): {page.words}")
        shown = json.loads(page.by_id["text-json"])
        return Credentials(
            shown["AccessKeyId"],
            shown["SecretAccessKey"],
            shown["SessionToken"],
            shown["Expiration"],
            shown["AssumedRoleArn"],
        )

    def console(self, role: str) -> Page:
        """The page that opens behind "Open console" of `account/role`, pressed among my roles."""
        page = self.open()
        return self.browser.submit(page, page.form(f"/roles/{role}/console"))

    def follow_bookmark(self, role: str, to: str = "") -> Page:
        """The page behind the bookmark /go/`account/role`."""
        return self.open(f"/go/{role}" + (f"?{urlencode({'to': to})}" if to else ""))

    def call_api(self, method: str, path: str, body: Any = None) -> Page:
        """What a script of the bridge's own page gets from /api/v1`path`, with the form token that it was told."""
        home = self.open()
        token = self.browser.call(home, "GET", "/api/v1/me").json().get("csrf_token", "")
        return self.browser.call(home, method, f"/api/v1{path}", body, {"X-CSRF-Token": token})

    def sign_out(self) -> Page:
        """The page after "Sign out"."""
        page = self.open()
        return self.browser.submit(page, page.form("/sign-out"))


@contextmanager
def aws_client(company: Company, service: str, credentials: Credentials) -> Iterator[Any]:
    """A stock client of `service` (`sts`, `s3`) that asks the local AWS with these credentials, once per call."""
    client = boto3.client(
        service,  # type: ignore[call-overload] # its stubs know names of services alone
        region_name="eu-central-1",
        endpoint_url=company.addresses.aws,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
        config=_ONE_TRY,
    )
    try:
        yield client
    finally:
        client.close()


def caller_arn(company: Company, credentials: Credentials) -> str:
    """Whom the credentials stand for, by sts:GetCallerIdentity."""
    with aws_client(company, "sts", credentials) as sts:
        arn: str = sts.get_caller_identity()["Arn"]
        return arn


def read_object(company: Company, credentials: Credentials, bucket: str, key: str) -> str:
    """The text of an object, by s3:GetObject; botocore's ClientError where AWS refuses."""
    with aws_client(company, "s3", credentials) as s3:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body.decode()


def write_object(company: Company, credentials: Credentials, bucket: str, key: str) -> None:
    """Writes an object, by s3:PutObject; botocore's ClientError where AWS refuses."""
    with aws_client(company, "s3", credentials) as s3:
        s3.put_object(Bucket=bucket, Key=key, Body=b"written\n")


def list_buckets(company: Company, credentials: Credentials) -> list[str]:
    """The account's buckets, by s3:ListAllMyBuckets; botocore's ClientError where AWS refuses."""
    with aws_client(company, "s3", credentials) as s3:
        return [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
