"""docs/deployment.md and docs/backup.md alone lead from bare Debian to the first sign-in, and through all that follows.

What else tells how to install, the README and the page of `fedbridge`, is followed too. Blocks are run in the order in
which an operator needs them: sign-in, each key, an upgrade, a backup, another sealing key, a restore from before it.
Not run, because no machine can: systemd itself (the unit's command is started as its user), DNS (/etc/hosts), a
certificate that the world believes (an authority made here), a company's identity provider (the sandbox's), AWS.
Software of Debian has to be there: `.ci/run` installs it. Not part of `make test`: it asks a package registry.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy.bare_machine import BareMachine, bare_machine
from deploy.walked_pages import BACKUP, DEPLOYMENT, Walk, shown
from deploy.walked_releases import cloned, next_wheel, released
from deploy.walked_surroundings import CONNECTIONS, SECOND_PAIR, People, prepare
from deploy.walking_person import BY_SECRET, CONNECTION
from documents.blocks import blocks
from documents.readme_files import three_files

from federation_bridge import __version__

pytestmark = pytest.mark.walk

WHEEL = re.compile(r"federation_bridge-([0-9.]+)-py3-none-any\.whl")
_SHOW = "federation-bridge keys show"
_TWO_DAYS = "UPDATE sealed_keys SET signs_from = signs_from - 172800000000"
_TWO_MINUTES = "UPDATE restorations SET not_before = not_before - 121000000"
"""Time goes by: nobody waits for it here."""
_MET = "openssl x509 -noout -serial -enddate"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[BareMachine]:
    (tmp_path / "machine").mkdir()
    with bare_machine(tmp_path / "machine") as made:
        yield made


def test_the_readme_installs_the_server_from_a_clone(machine: BareMachine, tmp_path: Path) -> None:
    cloned(machine.root / "root" / "clone")
    for line in blocks()["README.md console 2"].commands:
        machine.install(line, "/root/clone")
    three_files(tmp_path)
    shutil.copytree(tmp_path, machine.root / "root" / "settings", ignore=shutil.ignore_patterns("machine"))
    node = machine.node("one machine")
    assert node.run("/opt/federation-bridge/bin/federation-bridge --version").endswith(__version__)
    checked = node.run("cd /root/settings && /opt/federation-bridge/bin/federation-bridge check")
    assert "rule platform-administrators can reach: 111111111111/Administrator" in checked


def test_the_page_of_the_command_line_installs_it_from_two_files_and_without_the_server(
    machine: BareMachine, tmp_path: Path
) -> None:
    (tmp_path / "dist").mkdir()
    released(tmp_path / "dist")
    sums, install, *_ = blocks()["docs/command-line.md console 1"].commands
    for name in ("SHA256SUMS", install.split()[-1]):
        shutil.copy(tmp_path / "dist" / name, machine.root / "root")
    node = machine.node("a person's computer")
    assert "OK" in node.run(sums)
    machine.install(install)
    assert node.run("~/.local/bin/fedbridge --version").endswith(__version__)
    python = node.run('echo "$(dirname "$(readlink -f ~/.local/bin/fedbridge)")/python"')
    assert "ModuleNotFoundError" in node.run(f"! {python} -c 'import flask'")


@pytest.fixture
def next_step(machine: BareMachine, tmp_path: Path) -> str:
    """Puts the files of this release and the wheel of the next one there; gives the latter's step of the database."""
    dist = tmp_path / "dist"
    dist.mkdir()
    released(dist)
    (version,) = {found for block in shown(DEPLOYMENT, "Upgrade many nodes") for found in WHEEL.findall(block.text)}
    step = next_wheel(tmp_path / "next", dist, version)
    shutil.copytree(dist, machine.root / "root", dirs_exist_ok=True)
    return step


@pytest.fixture
def people(machine: BareMachine, next_step: str) -> Iterator[People]:
    made = People(machine)
    try:
        yield made
    finally:
        made.program.kill()
        made.program.communicate()


def test_the_pages_lead_from_bare_debian_through_sign_in_keys_upgrade_backup_and_restore(
    machine: BareMachine, people: People, next_step: str
) -> None:
    walk = Walk(machine, people.metadata)
    prepare(walk)
    walk.go(DEPLOYMENT, "From bare Debian to the first sign-in")
    assert "wrong" not in walk.said["runuser -u federation-bridge -- federation-bridge check"]
    assert "Administrator" in people.asked("sign-in")
    people.are_signed_in()
    assert f"{CONNECTION}/" in walk.node.run("federation-bridge sessions list")
    walk.when_one_is_stopped = lambda: _goes_on(people)

    change_our_signing_keys(walk, people)
    change_what_others_gave_us(walk, people)
    change_tls(walk, people)
    upgrade(walk, people, next_step)
    walk.go(BACKUP, "Make a dump")
    change_the_sealing_key(walk, people)
    put_the_dump_back(walk, people)

    # A node goes: people go on at the other one, with the session that they have.
    first, second = walk.nodes
    walk.stop(first)
    assert second.run("curl --fail --silent http://127.0.0.12:8400/readyz")
    assert "wrong" not in second.run("runuser -u federation-bridge -- federation-bridge check")


def _goes_on(people: People) -> None:
    assert "Administrator" in people.asked("look")


def change_our_signing_keys(walk: Walk, people: People) -> None:
    """One after the other: published, believed, used, and gone."""
    node = walk.node

    def others_learn(shown_keys: str) -> dict[str, list[str]]:
        public = json.loads(shown_keys)
        people.asked("learn")
        people.asked(f"keys {json.dumps({'keys': [key['jwk'] for key in public['client-assertion']]})}")
        people.can_sign_in()
        return {purpose: [key["jwk"]["kid"] for key in keys] for purpose, keys in public.items()}

    def two_days_pass() -> None:
        people.can_sign_in()
        assert "may be alive until" in node.run("! federation-bridge keys retire aws-saml")
        _in_database(walk, _TWO_DAYS)

    before = others_learn(node.run(_SHOW))
    walk.before = {
        "federation-bridge keys use": lambda: others_learn(walk.said[_SHOW]),
        "federation-bridge keys retire": two_days_pass,
    }
    walk.go(DEPLOYMENT, "Our signing keys")
    after = others_learn(node.run(_SHOW))
    kept = {purpose: len(kids) for purpose, kids in after.items()}
    assert kept == {purpose: 2 if purpose == "audit" else 1 for purpose in before}
    assert [purpose for purpose, kids in after.items() if kids[0] in before[purpose]] == []
    assert [one["kid"] for one in json.loads(node.run("cat public/.well-known/jwks.json"))["keys"]] == after["aws-oidc"]
    people.are_signed_in()


def change_what_others_gave_us(walk: Walk, people: People) -> None:
    """Passwords of the database, the secret of a provider's client, the token of a SCIM client."""
    walk.go(DEPLOYMENT, "Passwords of the database")
    people.are_signed_in()

    walk.machine.write("/root/client-secret", "the second secret of the client")
    people.asked("secret the second secret of the client")
    assert "Ada Moss" not in people.asked(f"visit {BY_SECRET}")
    walk.go(DEPLOYMENT, "The client_secret of a connection")
    people.can_sign_in()

    first = _token(walk.node.run(f"federation-bridge scim token new {CONNECTION}"))
    assert _scim(walk, first["Token"]) == "200"
    walk.filled_in["ID"] = first["Id"]
    walk.go(DEPLOYMENT, "Tokens of SCIM clients")
    second = _token(walk.said[f"federation-bridge scim token new {CONNECTION}"])
    assert (_scim(walk, first["Token"]), _scim(walk, second["Token"])) == ("401", "200")


def _token(said: str) -> dict[str, str]:
    return {line.split()[0].rstrip(":"): line.split()[1] for line in said.splitlines()}


def _scim(walk: Walk, token: str) -> str:
    asked = f"https://aws.example.com/scim/v2/{CONNECTION}/Users"
    return walk.node.run(
        f"curl --silent --output /dev/null -w '%{{http_code}}' -H 'Authorization: Bearer {token}' {asked}"
    )


def change_tls(walk: Walk, people: People) -> None:
    """New certificates of proxy and database: both are met, and nobody notices."""
    for command in SECOND_PAIR:
        walk.node.run(command)
    walk.go(DEPLOYMENT, "TLS")
    for address, certificate in (("aws.example.com:443", "new.pem"), ("db.example.com:5432", "new-server.crt")):
        (look,) = (command for command in walk.said if command.startswith(f"openssl s_client -connect {address}"))
        new = walk.node.run(f"{_MET} -in {certificate}")
        # A reload comes back before the last of the old workers has gone.
        walk.node.run(f"for _ in $(seq 200); do if [ \"$({look})\" = '{new}' ]; then break; fi; sleep 0.1; done")
        assert walk.node.run(look) == new
    people.are_signed_in()
    people.can_sign_in()


def upgrade(walk: Walk, people: People, next_step: str) -> None:
    """One node after the other; who is signed in goes on, also at the node that is older than the database."""
    assert walk.node.run("federation-bridge --version").endswith(__version__)

    def old_one_in_the_new_shape() -> None:
        assert _step(walk) == next_step
        assert "Administrator" in people.asked("node 127.0.0.12:8400")

    assert int(_step(walk)) == int(next_step) - 1
    walk.before = {"systemctl start federation-bridge": old_one_in_the_new_shape}
    walk.go(DEPLOYMENT, "Upgrade many nodes")
    for node in walk.nodes:
        assert not node.run("federation-bridge --version").endswith(__version__)
    people.are_signed_in()
    people.can_sign_in()


def _step(walk: Walk) -> str:
    return _in_database(walk, "SELECT version_num FROM alembic_version")


def _in_database(walk: Walk, statement: str) -> str:
    psql = "runuser -u postgres -- psql --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --dbname bridge"
    return walk.node.run(f"{psql} --command '{statement}'")


def change_the_sealing_key(walk: Walk, people: People) -> None:
    """All nodes are away, and come back under another key; who was signed in still is."""
    published = "curl --fail --silent https://aws.example.com/.well-known/jwks.json"
    before = walk.node.run(published)
    walk.go(DEPLOYMENT, "Change the sealing key")
    assert walk.node.run(published) == before
    people.are_signed_in()
    people.can_sign_in()


def put_the_dump_back(walk: Walk, people: People) -> None:
    """A dump from before the present sealing key; what happened since is gone, and nobody comes in before the yes."""
    node = walk.node
    (blocked,) = re.findall(rf"\b{BY_SECRET}/\S+", node.run("federation-bridge sessions list"))[:1]
    node.run(f"federation-bridge people block {blocked} --emergency --reason 'left the company'")
    assert "Ada Moss" not in people.asked(f"visit {BY_SECRET}")
    told = "federation-bridge restore --database-is-restored"
    in_force = "/etc/federation-bridge/sealing-key"

    def only_with_the_key_of_its_time() -> None:
        assert "sealing key" in _one_sentence(node.run(f"! {told}"))
        node.run(f"mv {in_force} aside")
        assert in_force in _one_sentence(node.run(f"! {told}"))
        node.run(f"install -m 0440 -g federation-bridge sealing-key {in_force}")

    walk.before = {told: only_with_the_key_of_its_time}
    walk.go(BACKUP, "Put a dump back")
    # "and change the key again: `keys reseal`, with the present key as the new one"
    node.run(
        "federation-bridge keys reseal --new-key new-sealing-key"
        " --owner bridge_owner --owner-password database-owner-password"
    )
    node.run(f"install -m 0440 -g federation-bridge new-sealing-key {in_force}")

    def nobody_comes_in() -> None:
        walk.are_ready()  # a start takes longer than the commands since
        for what in ("look", *(f"visit {connection}" for connection in CONNECTIONS)):
            assert "Ada Moss" not in people.asked(what)
        assert "This service was restored from a backup" in people.asked(f"visit {CONNECTION}")

    walk.before = {"federation-bridge restore --confirm": nobody_comes_in}
    walk.go(BACKUP, "After a restore")
    assert "kept out: nobody" in walk.said["federation-bridge restore --show"]
    _in_database(walk, _TWO_MINUTES)
    people.can_sign_in()
    assert "Administrator" in people.asked("sign-in")
    people.are_signed_in()


def _one_sentence(said: str) -> str:
    assert len(said.splitlines()) == 1, said
    return said
