"""The catalogues of the second language: what has to stand in them, and `make translations`, which brings it there.

The pages' sentences stand in templates (`_("...")`), in the errors (`public`), and wherever product code makes a
`Sentence`; the terminal's wherever its code calls `say`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import normalize, read_po

from federation_bridge import errors

_PACKAGE = Path(__file__).parent.parent / "federation_bridge"
WEB, CLI = _PACKAGE / "web", _PACKAGE / "cli"
_LANGUAGE = Path("translations", "zh_Hans_CN", "LC_MESSAGES")
_MARKED = re.compile(r"""_\(\s*(?:"([^"]+)"|'([^']+)')""")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One .po with its .mo beside it, and what has to stand there."""

    text: Path
    sentences: Callable[[], set[str]]
    """Each sentence that people may read."""

    @property
    def compiled(self) -> Path:
        """The .mo."""
        return self.text.with_suffix(".mo")

    def translated(self) -> dict[str, str]:
        """Each sentence of the catalogue and its translation, empty where it waits for one."""
        with self.text.open("rb") as file:
            return {str(message.id): str(message.string) for message in read_po(file) if message.id}

    def bring_up_to_date(self) -> list[str]:
        """Adds what is new to the .po and compiles the .mo; gives what waits for a translation. Takes nothing away."""
        new = sorted(self.sentences() - set(self.translated()))
        with self.text.open("a", encoding="utf-8") as file:
            file.writelines(map(_entry, new))
        with self.text.open("rb") as text, self.compiled.open("wb") as compiled:
            write_mo(compiled, read_po(text))
        return sorted(sentence for sentence, translation in self.translated().items() if not translation)


def _entry(sentence: str) -> str:
    flags = "".join(f"#, {flag}\n" for flag in sorted(Message(sentence).flags))
    return f'\n{flags}msgid {normalize(sentence, width=0)}\nmsgstr ""\n'


def _of_pages() -> set[str]:
    pages = {one or two for page in WEB.rglob("*.html") for one, two in _MARKED.findall(page.read_text("utf-8"))}
    refusals = {kind.public for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "public")}
    return pages | refusals | _templates()


def _of_the_terminal() -> set[str]:
    found: set[str] = set()
    for module, call in _calls(CLI):
        if isinstance(call.func, ast.Name) and call.func.id == "say":
            said = call.args[0]
            assert isinstance(said, ast.Constant), f"{module.name}:{call.lineno} says what no catalogue knows"
            found.add(str(said.value))
    return found


@cache
def _calls(folder: Path) -> tuple[tuple[Path, ast.Call], ...]:
    return tuple(
        (module, node)
        for module in folder.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Call)
    )


def _templates() -> set[str]:
    """The template of every `Sentence` that product code makes."""
    found: set[str] = set()
    for module, node in _calls(_PACKAGE):
        template = _template_of(node)
        if template is not None:
            assert isinstance(template, ast.Constant), f"{module}:{node.lineno}: the template is no plain text"
            named = {keyword.arg for keyword in node.keywords}
            assert set(re.findall(r"%\((\w+)\)s", str(template.value))) == named, f"{module}:{node.lineno}"
            found.add(str(template.value))
    return found


def _template_of(call: ast.Call) -> ast.expr | None:
    """What becomes a template: of `Sentence` and of `mapping.document.refuse`, which also takes a sentence made."""
    name = getattr(call.func, "id", "")
    if any(keyword.arg is None for keyword in call.keywords):
        return None  # in `refuse` itself
    if name == "Sentence":
        return call.args[0]
    is_made = name != "refuse" or (isinstance(call.args[1], ast.Name | ast.Call | ast.Subscript) and not call.keywords)
    return None if is_made else call.args[1]


PAGES = Catalogue(WEB / _LANGUAGE / "messages.po", _of_pages)
TERMINAL = Catalogue(CLI / _LANGUAGE / "fedbridge.po", _of_the_terminal)


def main() -> None:
    """Brings our own catalogues up to date and says what is left to do."""
    for catalogue in (PAGES, TERMINAL):
        for sentence in catalogue.bring_up_to_date():
            print(f"to translate in {catalogue.text.relative_to(_PACKAGE.parent)}: {sentence}")  # noqa: T201 - its output


if __name__ == "__main__":
    main()
