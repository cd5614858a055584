"""A plugin of the AWS CLI v2: as `preloaded_server.py` does for ours, forks its commands from one that has loaded all.

The CLI is a program that brings its own Python, so only a plugin can wait in it. The CLI loads it by the file
`preloaded_aws_cli.ini` in the midst of a first command. What is forked there runs the whole program anew.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from preloaded_server import wait_for_work

_LOADED_WHEN_NEEDED = (
    "awscli.botocore.httpsession", "awscli.customizations.arguments", "awscli.customizations.assumerole",
    "awscli.customizations.binaryformat", "awscli.customizations.cliinput", "awscli.customizations.cloudfront",
    "awscli.customizations.configure.configure", "awscli.customizations.generatecliskeleton",
    "awscli.customizations.globalargs", "awscli.customizations.history.commands", "awscli.customizations.login",
    "awscli.customizations.paginate", "awscli.customizations.s3.s3", "awscli.customizations.sso.login",
    "awscli.customizations.streamingoutputarg", "awscli.customizations.timestampformat",
    "awscli.customizations.waiters", "botocore.stub", "xml.dom.minidom",
)  # fmt: skip
_SET_BY_IT = ("_PYI_", "LD_LIBRARY_PATH", "AWS_DATA_PATH")
"""How the variables begin that it sets before all else."""


def awscli_initialize(_hooks: Any) -> None:
    """Returns in processes that have been a command already and end with its status."""
    for name in _LOADED_WHEN_NEEDED:
        importlib.import_module(name)
    clidriver, program = sys.modules["awscli.clidriver"], sys.modules["__main__"]
    set_by_it = {name: value for name, value in os.environ.items() if name.startswith(_SET_BY_IT)}

    sys.path.remove(".")
    wait_for_work(set_by_it)
    status = program.main()
    # Back in the first command: it does nothing more, and ends as the program does.
    clidriver.AWSCLIEntryPoint._run_driver = lambda *_, **__: status
