"""Where settings are read and checked; what is wrong is said in a sentence that names the place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from federation_bridge.errors import ConfigurationInvalid, ConfigurationMistakes, Mistake
from federation_bridge.file_owners import this_user
from federation_bridge.settings.document import Settings
from federation_bridge.settings.secret import Secret
from federation_bridge.settings.values import rooted_database
from federation_bridge.settings.words import sentences

Where = Callable[[Sequence[str]], tuple[int, int]]
"""Line and column of a setting, by its path."""

_YAML_HINTS = (
    ("'\\t'", ": lines are indented by blanks, never by tabs"),
    (
        "could not find expected ':'",
        ": a setting is `name: value`, with a blank behind the colon, in the line above, too",
    ),
    (
        "mapping values are not allowed",
        ": a text that holds `: ` stands in quotes, and names of one section are indented alike",
    ),
)
_MERGE = "tag:yaml.org,2002:merge"


class _EachNameOnce(yaml.SafeLoader):
    """YAML that refuses a name that stands twice: the later one would silently win over what an operator reads."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping; ConstructorError with the place of a second."""
        seen: dict[str, int] = {}
        for name, _ in node.value:
            if not isinstance(name, yaml.ScalarNode) or name.tag == _MERGE:
                continue
            line = name.start_mark.line + 1
            if name.value in seen:
                told = f"`{name.value}` stands here twice, first in line {seen[name.value]}"
                raise yaml.constructor.ConstructorError(None, None, told, name.start_mark)
            seen[name.value] = line
        return super().construct_mapping(node, deep)


def load_settings(path: Path) -> Settings:
    """The settings in this YAML file, relative paths taken from its folder; ConfigurationInvalid says what to mend."""
    document, where = read_settings(path)
    return settings_from(document, folder=path.resolve().parent, origin=str(path), where=where)


def read_settings(path: Path) -> tuple[dict[str, Any], Where]:
    """What stands in this file, and where, before anybody asks whether it is right; ConfigurationInvalid as above."""
    try:
        written = path.read_text(encoding="utf-8")
        document = yaml.load(written, Loader=_EachNameOnce)  # noqa: S506 - a SafeLoader
    except OSError as problem:
        where = path if path.is_absolute() else f"{path} (in {Path.cwd()})"
        by = f" by {this_user()}" if isinstance(problem, PermissionError) else ""
        others = "--settings or FEDERATION_BRIDGE_SETTINGS names another one"
        told = f"the settings file {where} cannot be read{by}: {problem.strerror}; {others}"
        raise ConfigurationInvalid(told) from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ConfigurationInvalid(_not_yaml(problem, str(path))) from None
    except RecursionError:
        raise ConfigurationInvalid(f"{path}: is nested too deeply") from None
    if not isinstance(document, dict):
        raise ConfigurationInvalid(f"{path}: must hold settings as `name: value` lines")
    # Only a mistake needs them, and every mistake does.
    composed = cache(lambda: yaml.compose(written, Loader=yaml.SafeLoader))
    return document, partial(_place_in, composed)


def _not_yaml(problem: yaml.YAMLError | UnicodeDecodeError, file: str) -> str:
    """Where and what, on one line."""
    if isinstance(problem, UnicodeDecodeError):
        return f"{file}: is not YAML: it is no text in UTF-8"
    what = str(getattr(problem, "problem", None) or getattr(problem, "reason", None) or "it cannot be read")
    mark = getattr(problem, "problem_mark", None)
    hint = next((words for sign, words in _YAML_HINTS if sign in what), "")
    told = f"is not YAML: {what}{hint}"
    return f"{file}: {told}" if mark is None else Mistake(told, mark.line + 1, mark.column + 1, file)


def _place_in(composed: Callable[[], yaml.Node | None], path: Sequence[str]) -> tuple[int, int]:
    """Line and column of the setting's name; of the nearest that holds it where it is not there itself."""
    root = composed()
    if root is None:
        return 0, 0
    mark, node = root.start_mark, root
    for name in path:
        entries = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next(((key, value) for key, value in entries if key.value == name), None)
        if found is None:
            break
        mark, node = found[0].start_mark, found[1]
    return mark.line + 1, mark.column + 1


def settings_from(
    document: Mapping[str, Any], folder: Path, origin: str = "settings", where: Where | None = None
) -> Settings:
    """The settings in `document`, its relative paths taken from `folder`; ConfigurationInvalid names every mistake.

    `where` gives the place of a setting in the file that the document was read from.
    """
    try:
        settings = Settings.model_validate(document)
    except ValidationError as refused:
        told = sentences([dict(one) for one in refused.errors()], _known_names)
        mistakes = tuple(_placed(sentence, place, origin, where) for sentence, place in told.items())
        raise ConfigurationMistakes(mistakes, f"{origin}: {'; '.join(told)}") from None
    rooted = _rooted(settings, folder, "")
    if not isinstance(rooted, Settings):  # pragma: no cover - _rooted keeps the type
        raise TypeError("settings lost their type")
    return rooted.model_copy(update={"database": rooted_database(rooted.database, folder)})


def _placed(sentence: str, place: Sequence[str], origin: str, where: Where | None) -> str:
    if where is None:
        return f"{origin}: {sentence}"
    return Mistake(sentence, *where(place), origin)


def _rooted(value: Any, folder: Path, place: str) -> Any:
    """The value with its paths taken from this folder; a secret learns by which setting it is named."""
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, BaseModel):
        parts = {name: getattr(value, name) for name in type(value).model_fields}
        rooted = value.model_copy(update=_rooted(parts, folder, place))
        return rooted.named(place) if isinstance(rooted, Secret) else rooted
    if isinstance(value, dict):
        return {name: _rooted(part, folder, _inside(place, name)) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_rooted(part, folder, place) for part in value)
    return value


def _inside(place: str, name: object) -> str:
    return f"{place}.{name}" if place else str(name)


def _known_names(location: Sequence[str]) -> list[str]:
    """The names of the settings at this place."""
    models: list[type[BaseModel]] = [Settings]
    for name in location:
        fields = [model.model_fields[name] for model in models if name in model.model_fields]
        # Another name is an operator's own, of a connection or a place: its section is known already.
        models = [one for field in fields for one in _sections_in(field.annotation)] or models
    return sorted({name for model in models for name in model.model_fields})


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in get_args(annotation) for one in _sections_in(part)]
