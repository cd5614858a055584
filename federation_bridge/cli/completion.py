"""Completion for bash, zsh, fish and PowerShell: small scripts that ask `fedbridge complete` for the words that fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

_BASH = """_fedbridge() {
  local IFS=$'\\n'
  COMPREPLY=($(fedbridge complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _fedbridge fedbridge
"""
_ZSH = """#compdef fedbridge
_fedbridge() {
  local -a found
  found=("${(@f)$(fedbridge complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "${found[1]}" ]] && compadd -Q -- "${found[@]}" || _files
}
compdef _fedbridge fedbridge
"""
_FISH = """complete -c fedbridge -f -a '(fedbridge complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
"""
_POWERSHELL = """Register-ArgumentCompleter -Native -CommandName fedbridge -ScriptBlock {
  param($word, $tree, $position)
  $words = @($tree.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if (-not $word) { $words += '' }
  fedbridge complete -- @words 2>$null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}


def candidates(words: Sequence[str], options: dict[str, list[str]], folder: Path | None) -> list[str]:
    """What may stand in place of the last word: commands first, then the command's options, then roles by name.

    Roles come from the list that was seen last: pressing Tab asks no bridge.
    """
    last = words[-1] if words else ""
    if len(words) <= 1:
        found = sorted(options)
    elif words[-2] == "--role":
        found = _role_names(folder)
    else:
        found = options.get(words[0], [])
    return [word for word in found if word.startswith(last)]


def _role_names(folder: Path | None) -> list[str]:
    try:
        listed = json.loads((folder / "roles.json").read_bytes()) if folder else []
        names = [f"{one['account_name']}/{one['role']}" for one in listed]
        keys = [f"{one['account']}/{one['role']}" for one in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted(name for name in names if " " not in name) + sorted(keys)
