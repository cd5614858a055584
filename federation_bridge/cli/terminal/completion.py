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
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}


def candidates(words: Sequence[str], options: dict[str, list[str]], folder: Path | None) -> list[str]:
    """What may stand in place of the last word: commands first, then the command's options, then roles by name.

    Roles come from the list that was seen last: pressing Tab asks no bridge.
    """
    last, before = words[-1] if words else "", words[:-1]
    if not before:
        found = sorted(options)
    elif "--" in before:
        found = []
    elif last.startswith("--role="):
        found = [f"--role={name}" for name in _role_names(folder)]
    elif before[-1] == "--role":
        found = _role_names(folder)
    elif before[-1] == "--format":
        found = sorted(FORMATS)
    elif before == ["completion"]:
        found = sorted(SCRIPTS)
    else:
        found = options.get(before[0], [])
    return [word for word in found if word.startswith(last)]


def _role_names(folder: Path | None) -> list[str]:
    """By name, then by number. What is not printable is no name: the scripts read a name a line."""
    try:
        listed = json.loads((folder / "roles.json").read_bytes()) if folder else []
        names = [f"{one['account_name']}/{one['role']}" for one in listed]
        keys = [f"{one['account']}/{one['role']}" for one in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in sorted(names) + sorted(keys) if name.isprintable()]
