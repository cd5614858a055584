"""The languages of our pages: English, and Simplified Chinese."""

from __future__ import annotations

from flask import request
from flask_babel import get_locale, gettext

from federation_bridge.administration.third_person import AboutThem, in_third_person
from federation_bridge.sentence import Sentence

FOLDER = "translations"
AVAILABLE = ("en", "zh_Hans_CN")
_BY_PREFERENCE = ("en", "zh-CN", "zh-Hans-CN", "zh-Hans", "zh")


def preferred() -> str:
    """The language that the browser prefers among ours."""
    best = request.accept_languages.best_match(_BY_PREFERENCE, default="en")
    return "zh_Hans_CN" if best.startswith("zh") else "en"


def for_templates() -> dict[str, object]:
    """What every template may use: `_`, `said`, and the page's language tag."""
    return {"_": gettext, "said": said, "language": str(get_locale() or "en").replace("_", "-")}


def said(text: str) -> str:
    """The sentence in the reader's language; a text that is no `Sentence`, such as a name, as it is."""
    if not isinstance(text, Sentence):
        return text
    template: str = gettext(text.template)
    if isinstance(text, AboutThem):
        template = in_third_person(template)
    return template % {name: said(value) for name, value in text.values.items()}
