"""Pages speak English and Simplified Chinese: every sentence has its translation, compiled from the same text."""

from __future__ import annotations

import io
import re
from pathlib import Path

from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from federation_bridge import errors

WEB = Path(__file__).parent.parent / "federation_bridge" / "web"
FOLDER = WEB / "translations" / "zh_Hans_CN" / "LC_MESSAGES"
_MARKED = re.compile(r"""_\(\s*(?:"([^"]+)"|'([^']+)')""")


def _catalogue() -> dict[str, str]:
    with (FOLDER / "messages.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def _sentences() -> set[str]:
    pages = {one or two for page in WEB.rglob("*.html") for one, two in _MARKED.findall(page.read_text("utf-8"))}
    refusals = {kind.public for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "public")}
    return pages | refusals


def test_every_sentence_of_a_page_and_of_a_refusal_has_its_translation() -> None:
    missing = {sentence for sentence in _sentences() if not _catalogue().get(sentence)}
    assert missing == set()


def test_no_translation_is_left_without_its_sentence() -> None:
    method = "This address does not answer to that method."
    assert set(_catalogue()) - _sentences() - {method} == set()


def test_placeholders_survive_translation() -> None:
    for sentence, translation in _catalogue().items():
        assert re.findall(r"%\(\w+\)s", sentence) == re.findall(r"%\(\w+\)s", translation)


def test_the_compiled_catalogue_is_the_one_of_the_text() -> None:
    with (FOLDER / "messages.po").open("rb") as text, (FOLDER / "messages.mo").open("rb") as compiled:
        fresh = io.BytesIO()
        write_mo(fresh, read_po(text))
        fresh.seek(0)
        assert {m.id: m.string for m in read_mo(fresh) if m.id} == {m.id: m.string for m in read_mo(compiled) if m.id}
