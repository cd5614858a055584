"""What AWS tools take where nobody names a profile: [default], found in the person's files and stepped around.

SDKs look into these files before they ask the endpoint or the token file that a variable names. A command of ours would
run in another account, and nobody would see it. So it gets a profile that has the settings of [default] and no source
of credentials. Profiles that its arguments name stay what they are.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from federation_bridge.cli.aws_config.files import config_path, credentials_path
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.process_file import file_of_this_process
from federation_bridge.cli.i18n import say

PREFIX = "fedbridge-exec-"
"""How the names of the profiles begin that commands of ours get."""
_SOURCES = frozenset(
    {
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_security_token",
        "credential_process",
        "credential_source",
        "login_session",
        "role_arn",
        "source_profile",
        "sso_account_id",
        "sso_role_name",
        "sso_session",
        "sso_start_url",
        "web_identity_token_file",
    }
)
"""Settings by which a profile has credentials (AWS SDKs and Tools guide: settings reference)."""
_FOR_ALL = "DEFAULT"
_SECTION = re.compile(r"\s*\[\s*(?:profile\s+)?[\"']?([^\]\"']+?)[\"']?\s*\]")
"""The head of a section, as any SDK may read it; its group is the profile's name."""
_KEY = re.compile(r"\s*([^=:\s]+)\s*[=:]")


def sources_of_default(environ: Mapping[str, str]) -> list[Path]:
    """The files whose [default] gives credentials; LocalFailure where AWS_CONFIG_FILE names what cannot be.

    A file that cannot be read counts as empty: AWS tools cannot read it either.
    """
    return [path for path in _profile_files(environ) if _has_source(path)]


def default_comes_first(path: Path) -> str:
    """The warning for who sets variables by hand."""
    return say(
        "AWS tools use [default] of {path} before our variables. Use fedbridge exec, or empty that section.",
        path=str(path),
    )


@contextmanager
def stepped_around(context: Context, region: str) -> Iterator[dict[str, str]]:
    """The variables that lead a command's tools past every source of credentials in files; none where there is none.

    What they name is there until the end of the block: a copy of the person's config with one profile more. The
    credentials file is neither copied nor changed.

    Raises:
        LocalFailure: the copy cannot be written.
    """
    variables = {"BOTO_CONFIG": os.devnull} if _boto_has_keys(context.environ) else {}
    if not sources_of_default(context.environ):
        yield variables
        return
    name = f"{PREFIX}{os.getpid()}"
    theirs = _without_sources_for_all(_text(config_path(context.environ)))
    copy = f"{theirs}\n[profile {name}]\n{_settings(context.environ, region)}"
    # Containers and computers that share a home have processes of the same number.
    own = f"{name}~{secrets.token_hex(4)}"
    with file_of_this_process(context, "exec", own, copy.encode("utf-8", "surrogateescape")) as path:
        yield variables | {"AWS_CONFIG_FILE": str(path), "AWS_PROFILE": name}


def _profile_files(environ: Mapping[str, str]) -> tuple[Path, Path]:
    return config_path(environ), credentials_path(environ)


def _settings(environ: Mapping[str, str], region: str) -> str:
    """What [default] sets beside credentials; the credentials file has the last word, as it has with AWS tools."""
    found = {"region": [f"region = {region}"]} if region else {}
    for path in _profile_files(environ):
        found |= {key: lines for key, lines in _section(_text(path)).items() if key not in _SOURCES}
    kept = [line for lines in found.values() for line in lines if _key(line) not in _SOURCES]
    return "".join(f"{line}\n" for line in kept)


def _has_source(path: Path) -> bool:
    return any(_key(line) in _SOURCES for lines in _section(_text(path)).values() for line in lines)


def _section(text: str, name: str = "default") -> dict[str, list[str]]:
    """The settings of a section by name, each with the lines that it takes.

    SDKs differ in what they take for a line of a section. Here whatever one of them might take is one.
    """
    found: dict[str, list[str]] = {}
    is_inside, key, depth = False, "", 0
    for line in text.removeprefix("\ufeff").splitlines():
        indent = len(line) - len(line.lstrip())
        if header := _SECTION.match(line):
            is_inside, key = header[1] in (name, _FOR_ALL), ""
        elif is_inside and line.strip() and line.lstrip()[0] not in "#;":
            if key and indent > depth:
                found[key].append(line)
            else:
                key, depth = _key(line), indent
                found[key] = [line]
    return found


def _without_sources_for_all(text: str) -> str:
    """The text, without what [DEFAULT] would give our profile too: tools in Python let every section inherit it."""
    kept, is_inside, is_source = [], False, False
    for line in text.splitlines(keepends=True):
        if _SECTION.match(line):
            is_inside, is_source = line.strip().startswith(f"[{_FOR_ALL}]"), False
        elif line.strip() and not line[0].isspace():
            is_source = _key(line) in _SOURCES
        if not (is_inside and is_source):
            kept.append(line)
    return "".join(kept)


def _key(line: str) -> str:
    match = _KEY.match(line)
    return match[1].lower() if match else ""


def _boto_has_keys(environ: Mapping[str, str]) -> bool:
    """Whether there are keys in the files of boto 2, which its successors read before they ask any endpoint."""
    named = environ.get("BOTO_CONFIG")
    paths = [Path(named)] if named else [Path("/etc/boto.cfg"), Path.home() / ".boto"]
    return any("aws_access_key_id" in _section(_text(path), "Credentials") for path in paths)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else ""
    except OSError:
        return ""
