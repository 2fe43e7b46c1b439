"""Fixtures for the tests against software that nobody here wrote: each server once, the ERP service in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.erp_presets import servers
from tests.support.processes import free_port, process
from tests.support.thirdparty import CannotFetch, installed

HERE = Path(__file__).parent
CANNOT_FETCH = 3
GUNICORN = [
    "python",
    "-m",
    "gunicorn",
    "-c",
    "connectors/common/gunicorn.conf.py",
    "connectors.erp.app:create_app()",
]


def place_of(server: str) -> Path:
    """Where the server of that folder is installed; ends the run with 3 when it cannot be fetched here."""
    try:
        return installed(HERE / server)
    except CannotFetch as error:
        pytest.exit(f"The third-party ERPs cannot be fetched here: {error}", CANNOT_FETCH)


PRESETS = {
    "link-header": ("link_header", servers.json_server),
    "odata-v4": ("odata", servers.odata_server),
    "cursor": ("cursor", servers.datasette),
}


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[servers.Server]:
    """The server of the preset that the test is parametrised with, holding the seed."""
    folder, start = PRESETS[request.param]
    with start(place_of(folder), tmp_path_factory.mktemp(folder)) as running:
        yield running


@pytest.fixture(scope="session")
def service(server: servers.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The ERP service as in production, in front of the server, by its preset; pages of ten."""
    port = free_port()
    env = {
        "BIND": f"127.0.0.1:{port}",
        "ERP_BASE_URL": server.url,
        "ERP_TOKEN": "not-asked-for",
        "ERP_PROFILE": server.preset,
        "PAGE_SIZE": "10",
    }
    base = f"http://127.0.0.1:{port}"
    with process(GUNICORN, f"{base}/health", env, log=tmp_path_factory.mktemp("service") / "log"):
        yield base
