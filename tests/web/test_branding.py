"""The operator's look: name, logo, accent color, help and sentence; and what is refused of it at the start."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from web_factories import Person, made_app, person_at

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.settings import Portal
from federation_bridge.settings.accents import DARK_GROUNDS, LIGHT_GROUNDS, checked_accent, contrast, for_dark_pages
from federation_bridge.web.branding import MOST_BYTES, read_branding

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><style>path{fill:red}</style><path d="M0 0h8"/></svg>'
STYLE = Path(__file__).parents[2] / "federation_bridge" / "web" / "static" / "style.css"


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png() -> bytes:
    """One white pixel."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\xff\xff")
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixel) + _chunk(b"IEND", b"")


def look(tmp_path: Path, clock: HeldClock, **portal: Any) -> Person:
    return next(person_at(tmp_path, clock, portal=portal))


def test_name_logo_help_and_sentence_stand_on_the_page(tmp_path: Path, clock: HeldClock) -> None:
    (tmp_path / "logo.svg").write_bytes(SVG)
    told = {"name": "Müller 云门户", "logo": "logo.svg", "help_link": "mailto:cloud@example.com"}
    person = look(tmp_path, clock, **told, without_roles="Ask the cloud team <in room 5>.", accent="#7A1F6E")
    person.sign_in(clock)
    page = person.get("/").text
    assert "Müller 云门户" in page
    assert 'href="mailto:cloud@example.com"' in page
    assert "Ask the cloud team &lt;in room 5&gt;." in page
    address = re.search(r'src="(/brand/logo-[0-9a-f]{16}\.svg)" alt=""', page)
    assert address is not None
    colors = re.search(r'href="(/brand/colors-[0-9a-f]{16}\.css)"', page)
    assert colors is not None
    assert "--accent:#7a1f6e" in person.get(colors[1]).text


def test_a_logo_is_served_by_what_its_bytes_are_and_can_run_nothing(tmp_path: Path, clock: HeldClock) -> None:
    for name, body, media_type in (("a.svg", SVG, "image/svg+xml"), ("b.svg", png(), "image/png")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "logo").write_bytes(body)
        person = look(folder, clock, logo="logo")
        address = re.search(r'src="(/brand/[^"]+)"', person.get("/").text)
        assert address is not None
        answer = person.get(address[1])
        assert (answer.data, answer.mimetype) == (body, media_type)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox" in policy
        assert "script-src" not in policy
        assert "default-src 'none'" in policy
        assert person.get("/brand/logo-0123456789abcdef.svg").status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (SVG.replace(b"<path", b"<script>alert(1)</script><path"), "holds `<script`"),
        (SVG.replace(b"<path", b'<path onload="alert(1)"'), "holds `onload=`"),
        (b"<!DOCTYPE svg>" + SVG, "neither a PNG nor an SVG"),
        (SVG.replace(b"<path", b"<foreignObject/><path"), "holds `<foreignObject`"),
        (b"<html></html>", "neither a PNG nor an SVG"),
        (b"GIF89a", "neither a PNG nor an SVG"),
        (b"", "neither a PNG nor an SVG"),
        (SVG + b" " * MOST_BYTES, "more than 64 KiB"),
        (None, "cannot be read"),
    ],
)
def test_a_logo_that_is_none_or_could_act_stops_the_start_before_anything_is_open(
    tmp_path: Path, clock: HeldClock, body: bytes | None, words: str
) -> None:
    if body is not None:
        (tmp_path / "logo.svg").write_bytes(body)
    with pytest.raises(ConfigurationInvalid, match=re.escape(words)):
        made_app(tmp_path, clock, portal={"logo": "logo.svg"})
    assert not list(tmp_path.glob("*.db"))


def test_plain_logos_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "logo"
    for body in (SVG, b'<?xml version="1.0"?>\n<!-- drawn by hand -->\n' + SVG, png()):
        path.write_bytes(body)
        assert read_branding(Portal(logo=path)).logo is not None


@pytest.mark.parametrize(
    ("color", "words"),
    [
        ("#ffd500", "can hardly be read on a light page"),
        ("#00aaff", "can hardly be read on a light page"),
        ("blue", "written `#0b5cad`"),
        ("#0b5cad;} body{display:none", "written `#0b5cad`"),
        ("#0b5ca\n", "written `#0b5cad`"),
    ],
)
def test_an_accent_that_nobody_could_read_is_refused_with_one_that_would_do(color: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        checked_accent(color)
    if near := re.search(r"(#[0-9a-f]{6}) would do", str(refused.value)):
        assert checked_accent(near[1]) == near[1]


@pytest.mark.parametrize("color", ["#0b5cad", "#000000", "#7a1f6e", "#b3261e", "#15703a"])
def test_an_accent_can_be_read_on_both_grounds_of_both_schemes(color: str) -> None:
    assert all(contrast(checked_accent(color), ground) >= 4.5 for ground in LIGHT_GROUNDS)
    assert all(contrast(for_dark_pages(color), ground) >= 4.5 for ground in DARK_GROUNDS)


def test_the_grounds_that_an_accent_is_checked_on_are_those_of_the_stylesheet() -> None:
    grounds = (dict(re.findall(r"--(paper|card|hover): (#[0-9a-f]+)", part)) for part in _schemes(STYLE.read_text()))
    light, dark = ({_long(color) for color in found.values()} for found in grounds)
    assert light == set(LIGHT_GROUNDS)
    assert dark == set(DARK_GROUNDS)


@pytest.mark.parametrize("scheme", [0, 1])
def test_every_color_of_text_keeps_its_contrast_on_every_ground(scheme: int) -> None:
    colors = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6});", _schemes(STYLE.read_text())[scheme]))
    for ground in ("paper", "card", "hover", "mark"):
        for text in ("ink",) if ground == "mark" else ("ink", "soft", "accent", "danger", "good"):
            assert contrast(_long(colors[text]), _long(colors[ground])) >= 4.5, (text, ground)
        if ground != "mark":
            assert contrast(_long(colors["edge"]), _long(colors[ground])) >= 3, ground


def _schemes(sheet: str) -> tuple[str, str]:
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", sheet, re.DOTALL)[:2]
    return light, dark


def _long(color: str) -> str:
    return color if len(color) == 7 else "#" + "".join(2 * digit for digit in color[1:])
