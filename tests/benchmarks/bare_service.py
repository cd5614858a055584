"""What a careful team would write in a day: Flask, stock python3-saml and boto3, with a signed cookie and no memory.

The yardstick of sign-ins and grants. It sends an AuthnRequest, takes the answer and sets a cookie; it signs an
assertion and asks STS. It refuses no replay, keeps no audit and knows no rules. `python -m
tests.benchmarks.bare_service SETTINGS` serves it as the bridge is served.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, jsonify, redirect, request, session
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from werkzeug.wrappers import Response

from federation_bridge.operate import logs
from federation_bridge.operate.serving.service import serve_work
from federation_bridge.sandbox.identity_provider.saml_message import form_value, make_signer
from federation_bridge.settings import Serving
from tests.benchmarks.grant import aws_message, call_sts, sts_client


def saml_settings(entity_id: str, acs: str, idp: str, certificate_b64: str) -> OneLogin_Saml2_Settings:
    """Made beforehand, as a careful user of the library would; otherwise the library as it comes."""
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {"entityId": entity_id, "assertionConsumerService": {"url": acs}},
            "idp": {
                "entityId": idp,
                "singleSignOnService": {"url": "https://idp.example.test/sso"},
                "x509cert": certificate_b64,
            },
            "security": {"requestedAuthnContext": False, "allowSingleLabelDomains": True},
        }
    )


def bare_app(settings: OneLogin_Saml2_Settings, host: str, sts_port: int) -> Flask:
    """The application; `host` is its own address without the scheme, `sts_port` where STS answers."""
    app = Flask(__name__)
    app.secret_key = "a benchmark's"
    here = {"https": "off", "http_host": host, "script_name": "/sign-in/company/saml"}

    @app.get("/readyz")
    def ready() -> str:
        return "ready"

    @app.get("/sign-in")
    def leave() -> Response:
        asked = OneLogin_Saml2_Authn_Request(settings)
        session["request"] = asked.get_id()
        return redirect(f"https://idp.example.test/sso?{urlencode({'SAMLRequest': asked.get_request()})}", 303)

    @app.post("/sign-in/company/saml")
    def arrive() -> Response:
        answer = OneLogin_Saml2_Response(settings, request.form["SAMLResponse"])
        if not answer.is_valid(here, session.pop("request", None)):
            return Response(str(answer.get_error()), 403)
        session["person"], session["groups"] = answer.get_nameid(), answer.get_attributes()["groups"][:20]
        return redirect("/", 303)

    signer, client = make_signer(), sts_client(sts_port)

    @app.post("/credentials")
    def grant() -> Response:
        answered = call_sts(client, form_value(aws_message(), signer))
        return jsonify({name: str(value) for name, value in answered["Credentials"].items()})

    return app


@dataclass(frozen=True)
class _Bare:
    """What the workers serve."""

    app: Flask

    def make(self) -> Any:
        return self.app.wsgi_app

    def stop(self) -> None:
        """Nothing runs beside."""


def main() -> None:
    asked: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    host = f"127.0.0.1:{asked['port']}"
    made = saml_settings(asked["entity_id"], f"http://{host}/sign-in/company/saml", asked["idp"], asked["certificate"])
    # The bridge's own server, workers and threads: what differs is what is served.
    with logs.to_stderr() as lines:
        serve_work(
            Serving(listen=host, workers=asked["workers"]), lines, _Bare(bare_app(made, host, asked["sts_port"]))
        )


if __name__ == "__main__":
    main()
