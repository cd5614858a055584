"""The languages of our pages: English, and Simplified Chinese."""

from __future__ import annotations

from flask import request
from flask_babel import get_locale, gettext

from federation_bridge.administration.third_person import AboutThem, in_third_person
from federation_bridge.errors import Mistake
from federation_bridge.sentence import Sentence
from federation_bridge.web import cookies

FOLDER = "translations"
AVAILABLE = ("en", "zh_Hans_CN")
_BY_PREFERENCE = ("en", "zh-CN", "zh-Hans-CN", "zh-Hans", "zh")


def preferred() -> str:
    """The language that was chosen on a page of ours, else the one among ours that the browser prefers."""
    if (chosen := request.cookies.get(cookies.LANGUAGE)) in AVAILABLE:
        return chosen
    best = request.accept_languages.best_match(_BY_PREFERENCE, default="en")
    return "zh_Hans_CN" if best.startswith("zh") else "en"


def for_templates() -> dict[str, object]:
    """What every template may use: `_`, `said`, and the page's language tag."""
    return {"_": gettext, "said": said, "language": str(get_locale() or "en").replace("_", "-")}


def said(text: str) -> str:
    """The sentence in the reader's language, with its place; a text that is no sentence, such as a name, as it is."""
    if isinstance(text, Mistake):
        words = gettext("line %(line)s: %(reason)s (column %(column)s)")
        told: str = words % {"line": text.line, "reason": said(text.reason), "column": text.column}
        return f"{text.file}: {told}" if text.file else told
    if not isinstance(text, Sentence):
        return text
    template: str = gettext(text.template)
    if isinstance(text, AboutThem):
        template = in_third_person(template)
    return template % {name: said(value) for name, value in text.values.items()}
