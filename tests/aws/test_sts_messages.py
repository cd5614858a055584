"""Calls of STS are written and read as botocore would, byte for byte and instant for instant."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from federation_bridge.aws.sts_messages import form_encoded, instant

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(st.dictionaries(_TEXTS, _TEXTS, max_size=8))
def test_a_form_reads_back_as_the_fields_that_were_written(fields: dict[str, str]) -> None:
    read = parse_qsl(form_encoded(fields).decode("ascii"), keep_blank_values=True, strict_parsing=bool(fields))
    assert read == list(fields.items())


def test_a_form_holds_nothing_but_what_every_reader_of_forms_agrees_on() -> None:
    text = form_encoded({"SAMLAssertion": "ab+/=&", "DurationSeconds": 3600, "Name": "a b\u00e9%~"})
    assert text == b"SAMLAssertion=ab%2B%2F%3D%26&DurationSeconds=3600&Name=a%20b%C3%A9%25~"


@pytest.mark.parametrize(
    "text", ["2026-03-04T06:06:07Z", "2026-03-04T06:06:07.250Z", "2026-03-04T07:06:07+01:00", "1772604367"]
)
def test_an_instant_is_read_as_botocore_reads_it(text: str) -> None:
    assert instant(text) == parse_timestamp(text)


def test_an_instant_without_a_zone_is_never_taken_for_local_time() -> None:
    assert instant("2026-03-04T06:06:07Z") == datetime(2026, 3, 4, 6, 6, 7, tzinfo=UTC)
    assert instant("2026-03-04T06:06:07") == parse_timestamp("2026-03-04T06:06:07")


@pytest.mark.parametrize("text", ["", "soon", "2026-13-04T06:06:07Z"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant(text)
