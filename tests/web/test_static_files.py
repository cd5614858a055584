"""Static files under hashed names, and the public documents beside them: kept by caches, compressed, sent once."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import HeldClock
from web_factories import Person, person_at

from federation_bridge.web.observe.public_documents import DOCUMENTS
from federation_bridge.web.static_files import address_of

WEB = Path(__file__).parents[2] / "federation_bridge" / "web"
FILES = sorted(path.name for path in (WEB / "static").iterdir())
A_YEAR = "public, max-age=31536000, immutable"
READ_BY_ALL = [
    "/api/v1/openapi.json",
    "/saml/metadata",
    "/.well-known/openid-configuration",
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
]


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_served_under_the_hash_of_its_content_and_kept_for_a_year(person: Person, name: str) -> None:
    content = (WEB / "static" / name).read_bytes()
    answer = person.get(address_of(name))
    assert hashlib.sha256(content).hexdigest()[:16] in address_of(name)
    assert answer.data == content
    assert answer.headers["Cache-Control"] == A_YEAR
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.mimetype in ("text/css", "text/javascript", "image/svg+xml")
    assert "Cookie" not in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/static/style.css", "/static/style-0123456789abcdef.css", "/static/"])
def test_a_name_without_the_hash_of_todays_content_is_no_page_and_no_cache_keeps_that(
    person: Person, path: str
) -> None:
    answer = person.get(path)
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_page_names_its_files_through_the_one_function() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (WEB / "templates").glob("*.html")]
    assert sum("static_address(" in source for source in sources) >= 6
    for source in sources:
        assert "/static/" not in source
        assert "'static'" not in source


def test_the_files_that_a_page_names_are_there(person: Person) -> None:
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', person.get("/").text)
    assert len(named) == 2
    assert {person.get(path).status_code for path in named} == {200}


# --------------------------------------------------------------------------------------------------- sent compressed


@pytest.mark.parametrize("path", [address_of("style.css"), "/api/v1/openapi.json", "/saml/metadata"])
def test_a_public_document_is_compressed_for_who_takes_it(person: Person, path: str) -> None:
    plain, packed = person.get(path), person.get(path, **{"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "*;q=0", "nonsense;;"])
def test_it_is_sent_as_it_is_to_who_does_not(person: Person, accepted: str) -> None:
    answer = person.get(address_of("style.css"), **{"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", [address_of("style.css"), *READ_BY_ALL])
def test_what_a_cache_holds_already_is_not_sent_again(person: Person, path: str) -> None:
    tag = person.get(path).headers["ETag"]
    same = person.get(path, **{"If-None-Match": tag, "Accept-Encoding": "gzip"})
    assert (same.status_code, same.data) == (304, b"")
    assert "Content-Encoding" not in same.headers
    assert same.headers["ETag"] == tag
    assert person.get(path, **{"If-None-Match": 'W/"another"'}).status_code == 200


@pytest.mark.parametrize("path", READ_BY_ALL)
def test_what_programs_read_of_us_is_kept_for_minutes(person: Person, path: str) -> None:
    assert person.get(path).headers["Cache-Control"] == "public, max-age=300"


def test_every_document_in_the_list_is_a_route(person: Person) -> None:
    assert set(DOCUMENTS) <= {rule.endpoint for rule in person.app.url_map.iter_rules()}
