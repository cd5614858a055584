"""The languages of our pages: English, and Simplified Chinese."""

from __future__ import annotations

from flask import request
from flask_babel import get_locale, gettext

FOLDER = "translations"
AVAILABLE = ("en", "zh_Hans_CN")
_BY_PREFERENCE = ("en", "zh-CN", "zh-Hans-CN", "zh-Hans", "zh")


def preferred() -> str:
    """The language that the browser prefers among ours."""
    best = request.accept_languages.best_match(_BY_PREFERENCE, default="en")
    return "zh_Hans_CN" if best.startswith("zh") else "en"


def for_templates() -> dict[str, object]:
    """What every template may use: `_` and the page's language tag."""
    return {"_": gettext, "language": str(get_locale() or "en").replace("_", "-")}
