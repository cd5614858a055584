"""A SAML identity provider made with pysaml2: it reads our metadata and requests, and answers with its own hands."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, request
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.response import IncorrectlySigned
from saml2.saml import AUTHN_PASSWORD_PROTECTED, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from federation_bridge.sandbox.identity_provider.saml_message import make_signer
from federation_bridge.sandbox.serving import serve

SUBJECT = "p-1001"


@dataclass
class Pysaml2Provider:
    """The provider at `address`; set `signing` to what `create_authn_response` is to sign or encrypt."""

    address: str
    folder: Path
    xmlsec1: str
    service_provider: Path
    """Where our SP metadata is put before the first sign-in."""
    signing: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(
        default_factory=lambda: {"groups": ["platform-admins"], "department": "Platform"}
    )
    refused: list[str] = field(default_factory=list)
    """Why requests were not believed."""

    def config(self, **more: Any) -> IdPConfig:
        endpoints = [
            (f"{self.address}/sso", BINDING_HTTP_REDIRECT),
            (f"{self.address}/sso", BINDING_HTTP_POST),
        ]
        settings = {
            "entityid": f"{self.address}/metadata",
            "xmlsec_binary": self.xmlsec1,
            "key_file": str(self.folder / "idp.key"),
            "cert_file": str(self.folder / "idp.crt"),
            "service": {
                "idp": {
                    "endpoints": {"single_sign_on_service": endpoints},
                    "want_authn_requests_signed": True,
                    "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": _BASIC}},
                }
            },
        }
        return IdPConfig().load({**settings, **more})

    def metadata(self) -> str:
        return str(entity_descriptor(self.config()))

    def server(self) -> Server:
        return Server(config=self.config(metadata={"local": [str(self.service_provider)]}))

    def answer(self, message: str, binding: str, relay_state: str) -> str:
        """The page that posts the answer to our AuthnRequest."""
        server = self.server()
        signature = {}
        if binding == BINDING_HTTP_REDIRECT:
            signature = {
                "relay_state": relay_state,
                "sigalg": request.args.get("SigAlg"),
                "signature": request.args.get("Signature"),
            }
        parsed = server.parse_authn_request(message, binding, **signature)
        asked = server.response_args(parsed.message)
        response = server.create_authn_response(
            dict(self.identity),
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=SUBJECT),
            authn={"class_ref": AUTHN_PASSWORD_PROTECTED, "authn_auth": self.address},
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
            **{name: asked[name] for name in ("in_response_to", "destination", "sp_entity_id")},
            **self.signing,
        )
        sent = server.apply_binding(BINDING_HTTP_POST, str(response), asked["destination"], relay_state, response=True)
        return str(sent["data"])


_BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"


def make_app(provider: Pysaml2Provider) -> Flask:
    app = Flask(__name__)

    @app.get("/metadata")
    def metadata() -> tuple[str, dict[str, str]]:
        return provider.metadata(), {"Content-Type": "application/samlmetadata+xml"}

    @app.route("/sso", methods=["GET", "POST"])
    def sso() -> tuple[str, int] | str:
        binding = BINDING_HTTP_POST if request.method == "POST" else BINDING_HTTP_REDIRECT
        values = request.values
        try:
            return provider.answer(values["SAMLRequest"], binding, values["RelayState"])
        except IncorrectlySigned as refusal:
            provider.refused.append(str(refusal))
            return "refused", 403

    return app


@contextmanager
def running(folder: Path, xmlsec1: str) -> Iterator[Pysaml2Provider]:
    """The provider, answering at localhost."""
    signer = make_signer()
    (folder / "idp.key").write_bytes(signer.private_pem)
    certificate = base64.encodebytes(base64.b64decode(signer.certificate_b64)).decode()
    (folder / "idp.crt").write_text(f"-----BEGIN CERTIFICATE-----\n{certificate}-----END CERTIFICATE-----\n")
    made: list[Pysaml2Provider] = []

    def make(address: str) -> Flask:
        made.append(Pysaml2Provider(address, folder, xmlsec1, folder / "sp.xml"))
        return make_app(made[0])

    served = serve(make, host="localhost")
    try:
        yield made[0]
    finally:
        served.stop()
