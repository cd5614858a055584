"""Several texts are one rule set; all their mistakes are told at once, each with text, line and column."""

from __future__ import annotations

import pytest
from mapping_factories import CONNECTIONS, identity, keys, register, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid, ConfigurationMistakes, mistakes_of
from federation_bridge.mapping import RuleSet, load_rules

ID = "6f1b2c3d-0000-4000-8000-000000000001"
ADMIN, READER = "111111111111/Administrator", "111111111111/ReadOnly"
ONE = rules_text(rule("{group: {named: platform}}", name="a"))
OTHER = f"groups: {{platform: {ID}}}\n" + rules_text(rule("{person: s-1}", f"{{role: '{READER}'}}", name="b"))
DENY = rules_text(f"- id: z\n  connection: entra\n  when: {{group: leavers}}\n  deny: {{role: '{ADMIN}'}}\n")


def made(*texts: str) -> RuleSet:
    return load_rules([(f"{number}.yaml", text) for number, text in enumerate(texts, 1)], register(), CONNECTIONS)


def refused(*texts: str) -> ConfigurationInvalid:
    with pytest.raises(ConfigurationInvalid) as caught:
        made(*texts)
    return caught.value


def test_a_name_of_one_text_is_known_in_the_other_and_the_order_does_not_matter() -> None:
    for texts in ((ONE, OTHER), (OTHER, ONE)):
        assert keys(made(*texts), identity((ID,))) == (ADMIN, READER)


def test_a_denial_of_one_text_wins_over_a_grant_of_another() -> None:
    assert keys(made(DENY, OTHER, ONE), identity((ID, "leavers"))) == (READER,)


def test_a_text_may_hold_nothing_but_names() -> None:
    assert keys(made(f"version: 1\ngroups: {{platform: {ID}}}\n", ONE), identity((ID,))) == (ADMIN,)


def test_the_version_follows_every_change_of_every_text() -> None:
    sets = ((ONE, OTHER), (OTHER, ONE), (ONE, OTHER + "# "), (ONE + "# ", OTHER))
    versions = {made(*texts).version for texts in sets}
    assert len(versions) == 4


def test_one_text_alone_needs_no_name() -> None:
    assert keys(load_rules(OTHER, register(), CONNECTIONS), identity()) == (READER,)
    with pytest.raises(ConfigurationInvalid, match=r"^line 5: .*\(column 5\)$"):
        load_rules(OTHER.replace("connection: entra", "conection: entra"), register(), CONNECTIONS)


def test_all_mistakes_of_all_texts_are_told_at_once_with_their_places() -> None:
    first = rules_text(rule("{grup: a}", name="a"), rule("{person: s-1}", "{role: '111111111111/Admin'}", name="b"))
    other = rules_text(rule("{person: s-1}", name="c", connection="entar"))
    problem = refused(first, other)
    assert isinstance(problem, ConfigurationMistakes)
    assert [one[:15] for one in problem.mistakes] == ["1.yaml: line 5:", "1.yaml: line 10", "2.yaml: line 4:"]
    assert all("did you mean" in one and "(column " in one for one in problem.mistakes)
    assert problem.detail == "; ".join(problem.mistakes)


def test_texts_that_are_no_yaml_are_told_together() -> None:
    told = mistakes_of(refused("version: [", "\tx", ONE))
    assert [one[:15] for one in told] == ["1.yaml: line 2:", "2.yaml: line 1:"]


def test_many_mistakes_stay_one_readable_sentence_and_none_is_lost() -> None:
    problem = refused(rules_text(*(rule("{grup: a}", name=f"r{number}") for number in range(50))))
    assert len(mistakes_of(problem)) == 50
    assert problem.detail.endswith("; and 30 more")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ((ONE, OTHER, ONE), "3.yaml: line 3: rule 'a' stands here twice, first in line 3 of 1.yaml"),
        (
            (OTHER, OTHER.replace("id: b", "id: c")),
            "of `groups` stands here twice, first in line 1 of 1.yaml",
        ),
        ((OTHER, "version: 2\n"), "2.yaml: line 1: the rules must say `version: 1`"),
        ((OTHER, "version: 1\nrules: {}\n"), "2.yaml: line 2: `rules` must be a list"),
        ((OTHER, "version: 1\ngroups: []\n"), "2.yaml: line 2: `groups` stands in 1.yaml too, in another form"),
        ((OTHER, ""), "2.yaml: line 1: the file is empty"),
        ((OTHER, "rules: []\n"), "2.yaml: line 1: the rules needs `version`"),
        (("version: 1\n",), "1.yaml: line 1: the rules needs `rules`"),
    ],
)
def test_texts_that_contradict_each_other_are_refused_with_both_places(texts: tuple[str, ...], reason: str) -> None:
    assert reason in refused(*texts).detail
