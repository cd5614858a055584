"""Completion for bash, zsh, fish and PowerShell: small scripts that ask `fedbridge complete` for the words that fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from federation_bridge.delivery import FORMATS

# Names come from the bridge: every script hands them on quoted, so that none is run when the line is entered.
# Bash knows words by its own break characters; `read` takes the line apart by blanks and runs nothing of it.
_BASH = """_fedbridge() {
  local IFS=$' \\t\\n' words word last rest head
  read -a words <<< "${COMP_LINE:0:COMP_POINT}."
  last=$(( ${#words[@]} - 1 ))
  words[last]="${words[last]%.}"
  rest="${COMP_WORDS[COMP_CWORD]}"
  rest="${rest//\\\\/}"
  case "$rest" in =|:|@) rest= ;; esac
  head="${words[last]%"$rest"}"
  COMPREPLY=()
  while IFS= read -r word; do
    printf -v word %q "$word"
    COMPREPLY+=("${word#"$head"}")
  done < <(fedbridge complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _fedbridge fedbridge
"""
_ZSH = """#compdef fedbridge
_fedbridge() {
  local -a found
  found=("${(@f)$(fedbridge complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "${found[1]}" ]] && compadd -- "${found[@]}" || _files
}
if [[ "${funcstack[1]}" == _fedbridge ]]; then _fedbridge "$@"; else compdef _fedbridge fedbridge; fi
"""
# Fish compares with what was typed by itself, quotes and all.
_FISH = """function __fedbridge_words
  set -l typed (commandline -opc)[2..-1] (string match -- '-*' (commandline -ct); or echo)
  fedbridge complete -- $typed 2>/dev/null
end
complete -c fedbridge -f -a '(__fedbridge_words)'
"""
_POWERSHELL = """Register-ArgumentCompleter -Native -CommandName fedbridge -ScriptBlock {
  param($word, $tree, $position)
  $words = @($tree.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if (-not $word) { $words += '' }
  fedbridge complete -- @words 2>$null | ForEach-Object {
    $quoted = $_
    if ($_ -notmatch '^[A-Za-z0-9_.+=,/-]+$') {
      $quoted = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($_) + "'"
    }
    [System.Management.Automation.CompletionResult]::new($quoted, $_, 'ParameterValue', $_)
  }
}
"""
AGENT, FOR_AGENTS = "agent", ("credential-process", "credentials", "exec", "serve")
_BEHIND_AGENT = 2
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}


_VALUES_OF_OPTIONS = frozenset({"--role", "--bridge", "--format"})
_VALUES_OF_COMMANDS = (["use"], ["completion"], ["shell-init"])


def candidates(
    words: Sequence[str], options: dict[str, list[str]], folder: Path | None, bridges: Sequence[str] = ()
) -> list[str]:
    """What may stand in place of the last word: commands first, then the command's options, then roles by name.

    Roles come from the list that was seen last: pressing Tab asks no bridge.
    """
    if words[:1] == [AGENT] and len(words) > _BEHIND_AGENT:
        words = words[1:]
    last, before = words[-1] if words else "", words[:-1]
    if not before or before == ["help"]:
        found = sorted(options)
    elif "--" in before:
        found = []
    elif last.startswith("--role="):
        found = [f"--role={name}" for name in _role_names(folder)]
    elif before[-1] in _VALUES_OF_OPTIONS or before in _VALUES_OF_COMMANDS:
        found = _values(before[-1], folder, bridges)
    else:
        found = _words_of(before, options, folder)
    return [word for word in found if word.startswith(last)]


def _values(of: str, folder: Path | None, bridges: Sequence[str]) -> list[str]:
    if of == "--role":
        return _role_names(folder)
    if of in {"--bridge", "use"}:
        return [name for name in bridges if name.isprintable()]
    return sorted(FORMATS if of == "--format" else SCRIPTS)


def _words_of(before: Sequence[str], options: dict[str, list[str]], folder: Path | None) -> list[str]:
    if before == [AGENT]:
        return list(FOR_AGENTS)
    found = options.get(before[0], [])
    if "--role" in found and not _has_plain_word(before[1:]):
        return [*_role_names(folder), *found]
    return found


def _has_plain_word(words: Sequence[str]) -> bool:
    """Whether a word stands there that is neither an option nor an option's value."""
    return any(
        not word.startswith("-") and not before.startswith("-")
        for before, word in zip(["", *words], words, strict=False)
    )


def _role_names(folder: Path | None) -> list[str]:
    """By name, then by number. What is not printable is no name: the scripts read a name a line."""
    try:
        listed = json.loads((folder / "roles.json").read_bytes()) if folder else []
        names = [f"{one['account_name']}/{one['role']}" for one in listed]
        keys = [f"{one['account']}/{one['role']}" for one in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in sorted(names) + sorted(keys) if name.isprintable()]
