"""Pages speak English and Simplified Chinese: every sentence has its translation, compiled from the same text."""

from __future__ import annotations

import ast
import copy
import io
import json
import re
from pathlib import Path

from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel, force_locale

from federation_bridge import errors
from federation_bridge.sentence import Sentence
from federation_bridge.web import languages

WEB = Path(__file__).parent.parent / "federation_bridge" / "web"
FOLDER = WEB / "translations" / "zh_Hans_CN" / "LC_MESSAGES"
_MARKED = re.compile(r"""_\(\s*(?:"([^"]+)"|'([^']+)')""")


def _catalogue() -> dict[str, str]:
    with (FOLDER / "messages.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def _sentences() -> set[str]:
    pages = {one or two for page in WEB.rglob("*.html") for one, two in _MARKED.findall(page.read_text("utf-8"))}
    refusals = {kind.public for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "public")}
    return pages | refusals | _templates()


def _templates() -> set[str]:
    """The template of every `Sentence` that product code makes."""
    found: set[str] = set()
    for module in WEB.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Sentence":
                template = node.args[0]
                assert isinstance(template, ast.Constant), f"{module}:{node.lineno}: the template is no plain text"
                named = {keyword.arg for keyword in node.keywords}
                assert set(re.findall(r"%\((\w+)\)s", str(template.value))) == named, f"{module}:{node.lineno}"
                found.add(str(template.value))
    return found


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


def test_a_reason_is_english_to_programs_and_in_the_readers_language_on_a_page() -> None:
    group = Sentence("you are in group %(group)s", group="'100%s'")
    reason = Sentence("%(reason)s, which the rule excludes", reason=group)
    english = "you are in group '100%s', which the rule excludes"
    app = Flask(__name__)
    Babel(app, default_translation_directories=str(WEB / languages.FOLDER))
    with app.test_request_context():
        with force_locale("zh_Hans_CN"):
            assert languages.said(reason) == "您属于组 '100%s'，而规则排除了这一点"  # noqa: RUF001 - Chinese punctuation
            assert languages.said("a name") == "a name"
        with force_locale("en"):
            assert languages.said(reason) == english
    assert json.loads(json.dumps(reason)) == english
    assert copy.deepcopy(reason) == english
