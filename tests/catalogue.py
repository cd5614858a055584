"""The catalogue of the pages' second language: what has to stand in it, and `make translations`, which brings it there.

Sentences stand in templates (`_("...")`), in the errors (`public`), and wherever product code makes a `Sentence`.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import normalize, read_po

from federation_bridge import errors

WEB = Path(__file__).parent.parent / "federation_bridge" / "web"
FOLDER = WEB / "translations" / "zh_Hans_CN" / "LC_MESSAGES"
_MARKED = re.compile(r"""_\(\s*(?:"([^"]+)"|'([^']+)')""")


def translated(folder: Path = FOLDER) -> dict[str, str]:
    """Each sentence of the catalogue and its translation, empty where it waits for one."""
    with (folder / "messages.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def sentences() -> set[str]:
    """Each sentence that people may read on a page."""
    pages = {one or two for page in WEB.rglob("*.html") for one, two in _MARKED.findall(page.read_text("utf-8"))}
    refusals = {kind.public for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "public")}
    return pages | refusals | _templates()


@cache
def _templates() -> frozenset[str]:
    """The template of every `Sentence` that product code makes."""
    found: set[str] = set()
    for module in WEB.parent.rglob("*.py"):
        calls = (node for node in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(node, ast.Call))
        for node in calls:
            template = _template_of(node)
            if template is not None:
                assert isinstance(template, ast.Constant), f"{module}:{node.lineno}: the template is no plain text"
                named = {keyword.arg for keyword in node.keywords}
                assert set(re.findall(r"%\((\w+)\)s", str(template.value))) == named, f"{module}:{node.lineno}"
                found.add(str(template.value))
    return frozenset(found)


def _template_of(call: ast.Call) -> ast.expr | None:
    """What becomes a template: of `Sentence` and of `mapping.document.refuse`, which also takes a sentence made."""
    name = getattr(call.func, "id", "")
    if any(keyword.arg is None for keyword in call.keywords):
        return None  # in `refuse` itself
    if name == "Sentence":
        return call.args[0]
    is_made = name != "refuse" or (isinstance(call.args[1], ast.Name | ast.Call | ast.Subscript) and not call.keywords)
    return None if is_made else call.args[1]


def bring_up_to_date(folder: Path, wanted: set[str]) -> list[str]:
    """Adds what is new to the .po and compiles the .mo; gives what waits for a translation. Takes nothing away."""
    path = folder / "messages.po"
    new = sorted(wanted - set(translated(folder)))
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f'\nmsgid {normalize(one, width=0)}\nmsgstr ""\n' for one in new)
    with path.open("rb") as text, (folder / "messages.mo").open("wb") as compiled:
        write_mo(compiled, read_po(text))
    return sorted(sentence for sentence, translation in translated(folder).items() if not translation)


def main() -> None:
    """Brings our own catalogue up to date and says what is left to do."""
    for sentence in bring_up_to_date(FOLDER, sentences()):
        print(f"to translate in {FOLDER.relative_to(WEB.parent.parent)}/messages.po: {sentence}")  # noqa: T201


if __name__ == "__main__":
    main()
