"""What the parts of rules and register are called in a refusal, ready to be said in another language."""

from __future__ import annotations

from federation_bridge.sentence import Sentence

_NOUNS = {
    str(one): one
    for one in (
        Sentence("a Statement of `session_policy`"),
        Sentence("a color"),
        Sentence("a condition"),
        Sentence("a connection"),
        Sentence("a date"),
        Sentence("a day"),
        Sentence("a description"),
        Sentence("a group"),
        Sentence("a group template"),
        Sentence("a marked account"),
        Sentence("a marked role"),
        Sentence("a marked rule"),
        Sentence("a name"),
        Sentence("a name of `groups`"),
        Sentence("a name of `groups`'s id"),
        Sentence("a link"),
        Sentence("a name of `policies`"),
        Sentence("a name of `policies`'s id"),
        Sentence("a network"),
        Sentence("a partition"),
        Sentence("a path"),
        Sentence("a person"),
        Sentence("a provider"),
        Sentence("a region"),
        Sentence("a role"),
        Sentence("a role name"),
        Sentence("a rule"),
        Sentence("a rule's id"),
        Sentence("a session policy"),
        Sentence("a set of roles"),
        Sentence("a state"),
        Sentence("a subject"),
        Sentence("a tag"),
        Sentence("a time zone"),
        Sentence("a value in `session_policy`"),
        Sentence("account"),
        Sentence("an account"),
        Sentence("an account id"),
        Sentence("an account name"),
        Sentence("an alias"),
        Sentence("an attribute"),
        Sentence("an attribute's name"),
        Sentence("an authentication method"),
        Sentence("an e-mail address"),
        Sentence("an e-mail domain"),
        Sentence("an entry"),
        Sentence("an entry of `administration`"),
        Sentence("an entry's id"),
        Sentence("an environment"),
        Sentence("another text"),
        Sentence("group"),
        Sentence("rule"),
        Sentence("session policy"),
        Sentence("the file of policies"),
        Sentence("the name of a link"),
        Sentence("the page of a link"),
        Sentence("the people"),
        Sentence("the policies of a role"),
        Sentence("the register"),
        Sentence("the rules"),
        Sentence("the version"),
    )
}


def noun(what: str) -> str:
    """The same words as a sentence, where they are such a noun; names of keys, which no language changes, as they are.

    Made when something is refused: reading a hundred thousand good rules costs nothing.
    """
    return _NOUNS.get(what, what)
