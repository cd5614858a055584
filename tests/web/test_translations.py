"""Pages speak English and Simplified Chinese: every sentence has its translation, compiled from the same text."""

from __future__ import annotations

import copy
import io
import json
import re
from pathlib import Path

from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from catalogue import FOLDER, WEB, bring_up_to_date, sentences, translated
from flask import Flask
from flask_babel import Babel, force_locale

from federation_bridge.sentence import Sentence
from federation_bridge.web import languages


def test_every_sentence_of_a_page_and_of_a_refusal_has_its_translation() -> None:
    known = translated()
    missing = {sentence for sentence in sentences() if not known.get(sentence)}
    assert missing == set(), "`make translations` adds them to messages.po; translate them there and run it again"


def test_no_translation_is_left_without_its_sentence() -> None:
    method = "This address does not answer to that method."
    assert set(translated()) - sentences() - {method} == set()


def test_a_new_sentence_is_added_once_and_compiled_when_it_is_translated(tmp_path: Path) -> None:
    new, before = 'It says "no" to %(person)s.', (FOLDER / "messages.po").read_text("utf-8")
    (tmp_path / "messages.po").write_text(before, "utf-8")
    for _ in range(2):
        assert bring_up_to_date(tmp_path, sentences() | {new}) == [new]
    text = (tmp_path / "messages.po").read_text("utf-8")
    assert text.startswith(before)
    (tmp_path / "messages.po").write_text(text.removesuffix('""\n') + '"%(person)s不行。"\n', "utf-8")
    assert bring_up_to_date(tmp_path, sentences()) == []
    with (tmp_path / "messages.mo").open("rb") as compiled:
        assert {m.id: m.string for m in read_mo(compiled)}[new] == "%(person)s不行。"


def test_placeholders_survive_translation() -> None:
    for sentence, translation in translated().items():
        assert re.findall(r"%\(\w+\)s", sentence) == re.findall(r"%\(\w+\)s", translation)


def test_the_compiled_catalogue_is_the_one_of_the_text() -> None:
    with (FOLDER / "messages.po").open("rb") as text, (FOLDER / "messages.mo").open("rb") as compiled:
        fresh = io.BytesIO()
        write_mo(fresh, read_po(text))
        fresh.seek(0)
        assert {m.id: m.string for m in read_mo(fresh) if m.id} == {
            m.id: m.string for m in read_mo(compiled) if m.id
        }, "`make translations` compiles messages.po"


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
