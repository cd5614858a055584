"""Pages and terminal speak English and Simplified Chinese: every sentence is translated, and compiled as it stands."""

from __future__ import annotations

import copy
import io
import json
import re
import string
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from catalogue import PAGES, TERMINAL, WEB, Catalogue
from flask import Flask
from flask_babel import Babel, force_locale

from federation_bridge.sentence import Sentence
from federation_bridge.web import languages


@pytest.fixture(params=[PAGES, TERMINAL], ids=["pages", "terminal"])
def ours(request: pytest.FixtureRequest) -> Catalogue:
    catalogue: Catalogue = request.param
    return catalogue


def test_every_sentence_has_its_translation(ours: Catalogue) -> None:
    known = ours.translated()
    missing = {sentence for sentence in ours.sentences() if not known.get(sentence)}
    assert missing == set(), f"`make translations` adds them to {ours.text.name}; translate them and run it again"


def test_no_translation_is_left_without_its_sentence(ours: Catalogue) -> None:
    method = {"This address does not answer to that method."} if ours is PAGES else set()
    assert set(ours.translated()) - ours.sentences() - method == set()


@pytest.mark.parametrize(
    ("new", "translation"),
    [('It says "no" to %(person)s.', "%(person)s不行。"), ("{person} says no.", "{person}不行。")],
)
def test_a_new_sentence_is_added_once_and_compiled_when_it_is_translated(
    ours: Catalogue, tmp_path: Path, new: str, translation: str
) -> None:
    before = ours.text.read_text("utf-8")
    copied = Catalogue(tmp_path / ours.text.name, lambda: ours.sentences() | {new})
    copied.text.write_text(before, "utf-8")
    for _ in range(2):
        assert copied.bring_up_to_date() == [new]
    text = copied.text.read_text("utf-8")
    assert text.startswith(before)
    copied.text.write_text(text.removesuffix('""\n') + f'"{translation}"\n', "utf-8")
    assert copied.bring_up_to_date() == []
    with copied.compiled.open("rb") as compiled:
        assert {m.id: m.string for m in read_mo(compiled)}[new] == translation


def test_placeholders_survive_translation() -> None:
    for sentence, translation in PAGES.translated().items():
        assert re.findall(r"%\(\w+\)s", sentence) == re.findall(r"%\(\w+\)s", translation)
    for sentence, translation in TERMINAL.translated().items():
        assert _places(sentence) == _places(translation), sentence


def _places(sentence: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field is not None}


def test_the_compiled_catalogue_is_the_one_of_the_text(ours: Catalogue) -> None:
    with ours.text.open("rb") as text, ours.compiled.open("rb") as compiled:
        fresh = io.BytesIO()
        write_mo(fresh, read_po(text))
        fresh.seek(0)
        assert {m.id: m.string for m in read_mo(fresh) if m.id} == {
            m.id: m.string for m in read_mo(compiled) if m.id
        }, f"`make translations` compiles {ours.text.name}"


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
