"""What a careful team would write in a day: Flask and stock python3-saml, with a signed cookie and nothing remembered.

The yardstick of sign-ins. It sends an AuthnRequest, takes the answer and sets a cookie; it refuses no replay, keeps no
audit and knows no rules. `python -m tests.benchmarks.bare_service SETTINGS` serves it as the bridge is served.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, redirect, request, session
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from werkzeug.wrappers import Response


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


def bare_app(settings: OneLogin_Saml2_Settings, host: str) -> Flask:
    """The application; `host` is its own address without the scheme."""
    app = Flask(__name__)
    app.secret_key = "a benchmark's"
    here = {"https": "off", "http_host": host, "script_name": "/acs"}

    @app.get("/ready")
    def ready() -> str:
        return "ready"

    @app.get("/sign-in")
    def leave() -> Response:
        asked = OneLogin_Saml2_Authn_Request(settings)
        session["request"] = asked.get_id()
        return redirect(f"https://idp.example.test/sso?{urlencode({'SAMLRequest': asked.get_request()})}", 303)

    @app.post("/acs")
    def arrive() -> Response:
        answer = OneLogin_Saml2_Response(settings, request.form["SAMLResponse"])
        if not answer.is_valid(here, session.pop("request", None)):
            return Response(str(answer.get_error()), 403)
        session["person"], session["groups"] = answer.get_nameid(), answer.get_attributes()["groups"][:20]
        return redirect("/", 303)

    return app


def main() -> None:
    asked: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    host = f"127.0.0.1:{asked['port']}"
    made = saml_settings(asked["entity_id"], f"http://{host}/acs", asked["idp"], asked["certificate"])
    serve(bare_app(made, host), asked["port"], asked["workers"])


def serve(app: Flask, port: int, workers: int) -> None:
    """Serves as the bridge is served: the same server, workers and threads."""
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415 - the server alone

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in {"bind": f"127.0.0.1:{port}", "workers": workers, "threads": 8, "keepalive": 5}.items():
                self.cfg.set(name, value)
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("loglevel", "warning")
            self.cfg.set("control_socket_disable", True)

        def load(self) -> Flask:
            return app

    Server().run()


if __name__ == "__main__":
    main()
