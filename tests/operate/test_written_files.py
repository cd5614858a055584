"""What an operator has written for AWS: no link is followed, and nobody else's folder is taken."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from web_factories import write_files

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.commands import commands
from federation_bridge.operate.onboarding import Onboarding, write
from federation_bridge.operate.written_files import write_below

NAME = "111122223333/main.tf"


def made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return folder


def test_a_link_in_the_way_is_replaced_and_never_followed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("mine")
    folder = made(tmp_path / "out")
    (folder / "111122223333").mkdir(mode=0o755)
    (folder / NAME).symlink_to(theirs)
    path = write_below(folder, NAME, b"new")
    assert (theirs.read_text(), path.read_text(), path.is_symlink()) == ("mine", "new", False)


def test_a_file_that_somebody_else_made_is_not_written_into(tmp_path: Path) -> None:
    """Its owner could change it after it was looked at, and before it is run."""
    folder = made(tmp_path / "out")
    beforehand = folder / "111122223333.sh"
    beforehand.write_text("theirs")
    with beforehand.open() as kept_open:
        path = write_below(folder, beforehand.name, b"#!/bin/sh\n")
        assert os.fstat(kept_open.fileno()).st_ino != path.stat().st_ino
        assert kept_open.read() == "theirs"
    assert [one.name for one in folder.iterdir()] == [beforehand.name]


@pytest.mark.parametrize(
    ("mode", "is_taken"), [(0o755, True), (0o700, True), (0o1777, True), (0o777, False), (0o757, False)]
)
def test_a_folder_into_which_others_put_files_is_refused(tmp_path: Path, mode: int, is_taken: bool) -> None:
    folder = made(tmp_path / "out")
    folder.chmod(mode)
    if is_taken:
        assert write_below(folder, NAME, b"new").read_bytes() == b"new"
        return
    with pytest.raises(ConfigurationInvalid, match="others can put files into"):
        write_below(folder, NAME, b"new")
    assert not (folder / NAME).exists()


def test_a_folder_of_somebody_else_on_the_way_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(tmp_path / "out")
    inner = folder / "111122223333"
    inner.mkdir()
    inner.chmod(0o757)
    with pytest.raises(ConfigurationInvalid, match=f"{inner}"):
        write_below(folder, NAME, b"new")
    inner.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: inner.stat().st_uid + 1)
    if inner.stat().st_uid:  # root's folders are everybody's to trust
        with pytest.raises(ConfigurationInvalid, match="belongs to another user"):
            write_below(folder, NAME, b"new")


def test_the_commands_write_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(tmp_path / "out")
    folder.chmod(0o777)
    with pytest.raises(ConfigurationInvalid, match="others can put files into"):
        write(Onboarding({NAME: "x"}, ()), folder)
    folder.chmod(0o755)
    (path,) = write(Onboarding({NAME: "x"}, ()), folder)
    assert stat.S_IMODE(path.stat().st_mode) & 0o033 == 0


def test_what_becomes_what_aws_believes_is_written_so(tmp_path: Path) -> None:
    settings, folder = str(write_files(tmp_path)), made(tmp_path / "out")
    run = CliRunner().invoke
    assert run(commands, ["migrate", "--settings", settings]).exit_code == 0
    folder.chmod(0o777)
    refused = run(commands, ["issuer", "export", "--settings", settings, "--to", str(folder)])
    assert refused.exit_code != 0
    assert list(folder.iterdir()) == [folder / "saml"]
    folder.chmod(0o755)
    assert run(commands, ["issuer", "export", "--settings", settings, "--to", str(folder)]).exit_code == 0
    assert (folder / "saml" / "metadata.xml").stat().st_size
