"""What a process that serves has no use for stays out of its memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from web_factories import write_files

UNUSED = {
    "alembic": "the database has the present shape already",
    "mako": "the same: Alembic's templates",
    "pygments": "the same: colours of Mako's errors",
    "boto3": "botocore is called itself",
    "s3transfer": "the same",
    "jsonschema": "documents are checked by our own code",
    "moto": "a yardstick of tests",
    "signxml": "a checker of the sandbox",
    "federation_bridge.sandbox": "nobody's AWS but a developer's",
    "federation_bridge.cli": "the person's terminal",
    "multiprocessing": "workers are forked by our own parent",
    "sqlalchemy.orm": "statements are written without it",
    "scim2_models": "nobody is told of by SCIM here; it takes a third of a second to load, in each worker of each node",
    "lark": "the same: its filters",
    "unittest": "a test's",
    "pytest": "a test's",
}

_SERVES = """
import json, sys
# structlog loads it where it is installed; the tools of a release bring it, a server does not.
sys.modules["rich"] = None
from pathlib import Path
from federation_bridge.operate.serving import bridge
from federation_bridge.operate import preparation
from federation_bridge.settings import load_settings

settings = load_settings(Path(sys.argv[1]))
preparation.prepare(settings)
work = bridge._Bridge(settings)
application = work.make()
from werkzeug.test import Client
for path in ("/", "/readyz", "/.well-known/jwks.json", "/saml/metadata", "/api/v1/openapi.json", "/nowhere"):
    Client(application).get(path, base_url=settings.base_url)
work.stop()
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    settings = write_files(tmp_path_factory.mktemp("served"))
    # The first start makes the database, for which Alembic is loaded; the second is what most workers see.
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", _SERVES, str(settings)],
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", UNUSED, ids=str)
def test_a_worker_loads_nothing_that_it_does_not_use(loaded: set[str], module: str) -> None:
    assert not [name for name in loaded if name == module or name.startswith(f"{module}.")], UNUSED[module]


@pytest.mark.parametrize("module", ["federation_bridge.bridge", "sqlalchemy", "lxml.etree", "botocore.client"])
def test_it_loads_what_it_serves_with(loaded: set[str], module: str) -> None:
    assert module in loaded
