"""The folder and the keyring's entry of each bridge: its name leads there, and no name leads anywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation_bridge.cli.bridges import known_bridges
from federation_bridge.cli.folders import current_folder, folder_name, named_folder, root
from federation_bridge.cli.session import token_store


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("aws.example.com", "aws.example.com"),
        ("aws.example.com:8443", "aws.example.com+8443"),
        ("aws.example.com/aws", "aws.example.com=aws"),
        ("127.0.0.1:8500", "http++127.0.0.1+8500"),
        ("../x", ""),
        ("x/../../y", ""),
        ("[::1]:8500", "http+++++1++8500"),
    ],
)
def test_a_name_leads_to_the_folder_of_its_address_and_out_of_no_other(tmp_path: Path, name: str, folder: str) -> None:
    if folder:
        (tmp_path / folder).mkdir()
    found = named_folder(str(tmp_path), name)
    assert Path(found).parent == tmp_path if found else True
    assert not folder or found == str(tmp_path / folder)


def test_each_bridge_has_its_own_entry_in_the_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entries: dict[str, str] = {}

    class Ring:
        name = "a keyring"

        def get_password(self, _: str, user: str) -> str | None:
            return entries.get(user)

        def set_password(self, _: str, user: str, text: str) -> None:
            entries[user] = text

        def delete_password(self, _: str, user: str) -> None:
            del entries[user]

    monkeypatch.setattr("keyring.get_keyring", Ring)
    for address in ("https://one.example", "https://two.example"):
        place = token_store.open_token_store(address, tmp_path / folder_name(address), {})
        place.save(token_store.StoredSession(address, "a", 0, "r", "k"))
    place.forget()
    assert set(entries) == {"https://one.example"}


@pytest.mark.parametrize("planted", ["../../etc", "/etc", ".hidden", "a/b", "", "x" * 400])
def test_a_name_that_was_tampered_with_leads_out_of_no_folder(tmp_path: Path, planted: str) -> None:
    environ = {"FEDBRIDGE_FOLDER": str(tmp_path), "FEDBRIDGE_BRIDGE": "work"}
    (tmp_path / "names").mkdir()
    (tmp_path / "names/work").write_text(planted)
    (tmp_path / "current").write_text(planted)
    for found in (
        named_folder(root(environ), "work"),
        current_folder(environ),
        current_folder({**environ, "FEDBRIDGE_BRIDGE": ""}),
    ):
        assert not found or Path(found).parent == tmp_path
    assert known_bridges(environ) == []
