"""The shells that `assume` speaks: how a variable is set and taken away, and the function that reads it.

What the function evaluates are assignments and nothing else. Each value stands in single quotes, as the shell itself
reads them: whatever it holds, it never ends its quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from federation_bridge.delivery import fish_word, posix_word, powershell_word

# The program's own output is read whole before any of it is run, and run only where it ended well.
_POSIX = """fedbridge() {{
  if [ "${{1-}}" != assume ]; then
    command fedbridge "$@"
    return
  fi
  shift
  local __fedbridge_text
  __fedbridge_text="$(command fedbridge assume --shell {name} "$@")" || return
  eval "$__fedbridge_text"
}}
"""
_FISH = """function fedbridge
  if test "$argv[1]" != assume
    command fedbridge $argv
    return
  end
  set -l __fedbridge_text (command fedbridge assume --shell fish $argv[2..-1])
  or return
  string join \\n -- $__fedbridge_text | source
end
"""
_POWERSHELL = """function fedbridge {
  $program = Get-Command fedbridge -CommandType Application -TotalCount 1
  if ($args.Count -eq 0 -or $args[0] -cne 'assume') {
    & $program @args
    return
  }
  $rest = @($args | Select-Object -Skip 1)
  $text = & $program assume --shell powershell @rest
  if ($LASTEXITCODE -eq 0 -and $text) { Invoke-Expression ($text -join "`n") }
}
"""


@dataclass(frozen=True, slots=True)
class Shell:
    """One shell. `assign` has the places {name} and {value}, `remove` the place {name}."""

    assign: str
    remove: str
    word: Callable[[str], str]
    init: str

    def lines(self, changes: Mapping[str, str | None]) -> str:
        """The assignments; None takes a variable away."""
        return "".join(self._line(name, value) + "\n" for name, value in changes.items())

    def _line(self, name: str, value: str | None) -> str:
        if value is None:
            return self.remove.format(name=name)
        return self.assign.format(name=name, value=self.word(value))


def _posix(name: str) -> Shell:
    return Shell("export {name}={value}", "unset {name}", posix_word, _POSIX.format(name=name))


SHELLS: Mapping[str, Shell] = MappingProxyType(
    {
        "bash": _posix("bash"),
        "zsh": _posix("zsh"),
        "fish": Shell("set -gx {name} {value}", "set -e {name}", fish_word, _FISH),
        "powershell": Shell(
            "$Env:{name} = {value}",
            "Remove-Item Env:{name} -ErrorAction SilentlyContinue",
            powershell_word,
            _POWERSHELL,
        ),
    }
)
"""By name, as `shell-init` takes it."""
