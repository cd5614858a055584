"""Says what is wrong with a commit message's subject; exit status 1 then. Argument: the file with the message."""

import re
import sys
from pathlib import Path

LONGEST = 72
_SUBJECT = re.compile(r"[A-Z][\w' ,/.-]*: \S.*[^.\s]")
_MADE_BY_GIT = re.compile(r"(Merge|Revert|fixup!|squash!) ")


def fault(subject: str) -> str | None:
    """The sentence that says what is wrong with this subject, or None."""
    if _MADE_BY_GIT.match(subject):
        return None
    if len(subject) > LONGEST:
        return f"the subject has {len(subject)} characters; at most {LONGEST} are shown everywhere"
    if not _SUBJECT.fullmatch(subject):
        return "the subject names the part first, and ends without a full stop: `Store: keep the newest rules`"
    return None


def main() -> None:
    """Reads the message's first line."""
    sys.exit(fault(Path(sys.argv[1]).read_text("utf-8").split("\n", 1)[0]))


if __name__ == "__main__":
    main()
