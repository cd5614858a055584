"""One sign-in by SAML, from the POST to the session's cookie, beside stock python3-saml's bare validation of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from urllib.parse import urlencode

from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from federation_bridge.sandbox.identity_provider.saml_message import Signer, form_value
from tests.benchmarks.bare_service import saml_settings
from tests.benchmarks.bridge import IDP, BridgeFiles, Browser, answer_message
from tests.benchmarks.processes import DoesNotWork
from tests.benchmarks.table import Row, in_turns, median, milliseconds

_TIMES, _WARM_UP = 80, 10


@dataclass(frozen=True)
class _Answer:
    request_id: str
    value: str
    form: str
    cookies: dict[str, str]
    """What the browser held when it left: it keeps a few pending sign-ins only."""


def measure(place: BridgeFiles, browser: Browser, signer: Signer, groups: int, where: str) -> Row:
    """The median sign-in with this many groups; each yardstick validates the very message that was just posted."""
    settings = _stock_settings(place, signer)
    ours: list[float] = []
    theirs: list[float] = []
    # Begun beforehand: a person spends that time at the identity provider.
    answers = [_answer(place, browser, signer, groups) for _ in range(_WARM_UP + _TIMES)]
    # In turns of several, so that each side runs as warm as under load, and both at the same time of the machine's day.
    for turn in in_turns(answers):
        ours.extend(milliseconds(lambda answer=answer: browser.arrive(answer.form, answer.cookies)) for answer in turn)
        theirs.extend(milliseconds(lambda answer=answer: _validate(settings, place, answer)) for answer in turn)
    what = f"sign-in, {groups} groups, {where}"
    return Row(what, median(ours[_WARM_UP:]), "ms", median(theirs[_WARM_UP:]), most=2.0)


def _answer(place: BridgeFiles, browser: Browser, signer: Signer, groups: int) -> _Answer:
    request_id, relay_state = browser.leave()
    value = form_value(answer_message(place.acs, place.entity_id, request_id, groups), signer)
    form = urlencode({"SAMLResponse": value, "RelayState": relay_state})
    return _Answer(request_id, value, form, dict(browser.cookies))


def _stock_settings(place: BridgeFiles, signer: Signer) -> OneLogin_Saml2_Settings:
    if "federation_bridge.connectors" in sys.modules:
        raise DoesNotWork("the yardstick is not the stock library: our connectors change it in this process")
    return saml_settings(place.entity_id, place.acs, IDP, signer.certificate_b64)


def _validate(settings: OneLogin_Saml2_Settings, place: BridgeFiles, answer: _Answer) -> None:
    request = {"https": "off", "http_host": f"127.0.0.1:{place.port}", "script_name": "/sign-in/company/saml"}
    response = OneLogin_Saml2_Response(settings, answer.value)
    if not response.is_valid(request, answer.request_id):
        raise DoesNotWork(f"the yardstick refuses the message: {response.get_error()}")
