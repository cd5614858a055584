# ruff: noqa: F811 - fixtures are named where they are asked for
"""`aws publish-keys` where AWS refuses, is not reached, or is somebody else: it is told, and the rest is done."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml
from local_aws_factories import metadata
from publish_keys_fixtures import OTHER, ROLE, THIRD, Company, company, rights_in, run, started_once  # noqa: F401 - fixtures
from web_factories import ACCOUNT

from federation_bridge.sandbox.aws.faults import Fault


def test_an_account_that_denies_does_not_stop_the_others(company: Company) -> None:
    reads = rights_in(OTHER)
    reads[0]["Action"] = "iam:GetSAMLProvider"
    company.put_role(company.accounts[1], reads)
    new = company.rotate()
    before = company.documents()
    ran = company.publish("--write")
    refused = "could not: the credentials may not call iam:UpdateSAMLProvider"
    assert (ran.exit_code, ran.stdout.splitlines()) == (
        1,
        [
            f"{ACCOUNT}: current, updated just now",
            f"{OTHER}: {refused}",
            f"{THIRD}: current, updated just now",
        ],
    )
    assert [now == then for now, then in zip(company.documents(), before, strict=True)] == [False, True, False]
    settled = [details for event, details in company.events() if event == "provider.update_settled"]
    assert [(one["account"], one["state"], one["kids"]) for one in settled if one["state"] != "current"] == [
        (OTHER, "could not", [])
    ]
    assert new in settled[0]["kids"]


def test_metadata_of_somebody_else_is_left_alone_and_told_as_what_it_is(company: Company) -> None:
    text = metadata().decode().replace("https://bridge.example.test/saml/metadata", "https://x.test/\u202e'\u200b")
    company.put(0, metadata=text.encode())
    told = company.told("--write")
    assert told[0] == (
        f"{ACCOUNT}: left alone: the provider's metadata is of 'https://x.test/\\u{{202e}}\\'\\u{{200b}}', "
        "and the bridge is https://aws.example.com/saml/metadata"
    )
    assert [one.rpartition(" ")[2] for one in told[1:]] == ["current", "current"]
    assert company.publish("--write").exit_code == 1
    assert company.documents()[0] == text
    assert company.events() == []


def test_a_key_of_somebody_else_is_named_and_goes(company: Company) -> None:
    mine = company.documents()[0]
    (own,) = re.findall(r"<md:KeyDescriptor.*?</md:KeyDescriptor>", mine, re.DOTALL)
    (other,) = re.findall(r"<(?:\w+:)?X509Certificate>([^<]+)<", metadata().decode())
    (ours,) = re.findall(r"<ds:X509Certificate>([^<]+)<", own)
    company.put(0, metadata=mine.replace(own, own + own.replace(ours, other)).encode())
    assert re.fullmatch(
        rf"{ACCOUNT}: to update: believes key [\w-]{{43}}, which the bridge does not publish", company.told()[0]
    )
    assert company.told("--write")[0] == f"{ACCOUNT}: current, updated just now"
    assert company.documents()[0] == mine


def test_what_cannot_be_reached_is_told_and_the_rest_is_done(company: Company) -> None:
    del company.accounts[1].roles["BridgeKeys"]
    del company.accounts[2].saml_providers["bridge"]
    absent = f"arn:aws:iam::{OTHER}:role/{ROLE}"
    assert company.told("--write") == [
        f"{ACCOUNT}: current",
        f"{OTHER}: could not: {absent} cannot be assumed: it is not there, or one side does not allow it",
        f"{THIRD}: no such provider: `federation-bridge aws onboard` makes it",
    ]
    assert company.publish("--write").exit_code == 1
    ran = run(company.settings, "aws", "publish-keys")
    assert f"{OTHER}: could not: the credentials are of account {ACCOUNT}: name with --role-name" in ran.stdout


def test_an_aws_that_does_not_answer_is_told_in_words(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    company.rotate()
    company.served_aws.local.faults.set(Fault("throttle", "iam", "UpdateSAMLProvider"))
    assert company.told("--accounts", ACCOUNT, "--write") == [
        f"{ACCOUNT}: could not: AWS has no time for iam:UpdateSAMLProvider (Throttling): run it again later"
    ]
    written = yaml.safe_load(company.settings.read_text())
    company.settings.write_text(yaml.safe_dump({**written, "aws": {"local_endpoint": "http://127.0.0.1:1"}}))
    (told,) = company.told("--accounts", ACCOUNT)
    assert told.startswith(f"{ACCOUNT}: could not: sts:GetCallerIdentity: AWS could not be asked: ")


class Proxy(BaseHTTPRequestHandler):
    """Lets STS through, and answers for IAM in its own words."""

    page = b""
    sts = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.page
        if b"GetCallerIdentity" in body:
            told = f"<GetCallerIdentityResult><Arn>{self.sts}</Arn></GetCallerIdentityResult>"
            answer = f"<GetCallerIdentityResponse>{told}</GetCallerIdentityResponse>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing on the error output."""


@pytest.mark.parametrize("page", ["<html><p>Sign in\x1b[2J to the network", "<html><p>Sign in</p></html>", ""])
def test_what_answers_in_aws_s_place_is_told_and_stops_nothing(company: Company, page: str) -> None:
    served_page = type("Page", (Proxy,), {"page": page.encode(), "sts": f"arn:aws:iam::{ACCOUNT}:user/operator"})
    with ThreadingHTTPServer(("127.0.0.1", 0), served_page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            written = yaml.safe_load(company.settings.read_text())
            address = f"http://127.0.0.1:{server.server_port}"
            company.settings.write_text(yaml.safe_dump({**written, "aws": {"local_endpoint": address}}))
            told = company.told("--write")
        finally:
            server.shutdown()
            thread.join()
    between = "something between here and AWS answered, such as a proxy or a firewall"
    assert told == [
        f"{ACCOUNT}: could not: iam:GetSAMLProvider: {between}",
        f"{OTHER}: could not: sts:AssumeRole: {between}",
        f"{THIRD}: could not: sts:AssumeRole: {between}",
    ]


def test_credentials_of_another_partition_write_nothing(company: Company) -> None:
    path = company.settings.parent / "accounts.yaml"
    registered = yaml.safe_load(path.read_text())["accounts"]
    china = yaml.safe_load(yaml.safe_dump(registered[1]).replace("arn:aws:", "arn:aws-cn:"))
    china |= {"region": "cn-north-1", "partition": "aws-cn"}
    path.write_text(yaml.safe_dump({"accounts": [registered[0], china]}))
    assert company.told("--write") == [
        f"{ACCOUNT}: current",
        f"{OTHER}: could not: the credentials are of the partition aws: run it again with some of aws-cn",
    ]
