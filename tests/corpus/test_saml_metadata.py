"""Published metadata through our reading of it. The labels are of low confidence: where we differ, we say why."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from corpus.legacy import LEGACY
from corpus.published import Case, cases
from federation_bridge.connectors.saml.metadata import IdpMetadata, read_metadata
from federation_bridge.connectors.saml.verifier import TrustedKey, trusted_key
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.identity_provider.saml_message import make_signer

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]
METADATA = cases("metadata")

STRICTER = {
    "describes no identity provider": "well-formed, but it describes no identity provider, so nobody can sign in there",
    "describes several": "several identity providers: we want to be told which one is meant",
    "is not https": "its sign-on address is plain http",
    "cannot be read": "its only signing certificate is broken",
}
"""What we refuse although a label accepts it, and why; found in the refusal's own words."""


def _clock(case: Case) -> datetime:
    until = case.told["fields"].get("validUntil")
    if case.told["expected"] == "accept" and until:
        return datetime.fromisoformat(until) - timedelta(days=1)
    return datetime(2026, 1, 1, tzinfo=UTC)


def _read(case: Case) -> IdpMetadata:
    signed_by: tuple[TrustedKey, ...] = ()
    if "unsigned" in case.id or "corrupted" in case.id:
        signed_by = (trusted_key(b64decode(make_signer().certificate_b64), LEGACY),)
    return read_metadata(case.document(), _clock(case), policy=LEGACY, signed_by=signed_by)


@pytest.mark.parametrize("case", METADATA, ids=lambda case: case.id)
def test_metadata_is_read_or_refused_with_a_reason(case: Case, remark: Callable[[str, str], None]) -> None:
    if case.told["expected"] == "reject":
        with pytest.raises(ConfigurationInvalid):
            _read(case)
        return
    try:
        found = _read(case)
    except ConfigurationInvalid as refusal:
        reasons = [why for words, why in STRICTER.items() if words in refusal.detail]
        assert reasons, refusal.detail
        remark(case.id, reasons[0])
    else:
        assert found.keys
        assert found.entity_id == (case.told["fields"].get("entityID") or found.entity_id)
