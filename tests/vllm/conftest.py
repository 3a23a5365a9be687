"""One server and one engine in this process for all tests of this folder; both need a vLLM (see `make vllm`)."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.util import find_spec

import pytest

from lm import Model, open_model
from tests.vllm.serving import IN_PROCESS, SETTINGS, serving


@pytest.fixture(scope="session")
def vllm() -> None:
    """Fails where there is none: whoever asks for these tests is not to take them for passed."""
    if find_spec("vllm") is None:
        pytest.fail("there is no vLLM in this environment: `make test-vllm` makes one and runs these tests in it")
    os.environ.update(SETTINGS)


@pytest.fixture(scope="session")
def server(vllm: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, without /v1."""
    with serving(tmp_path_factory.mktemp("vllm") / "server.log") as address:
        yield address


@pytest.fixture(scope="session")
def engine(vllm: None) -> Model:
    """The organism on an engine in this process."""
    return open_model(IN_PROCESS)


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[str], Model]]:
    """Opens models by reference; they are closed when the test ends."""
    models: list[Model] = []

    def open_and_keep(reference: str) -> Model:
        models.append(open_model(reference))
        return models[-1]

    yield open_and_keep
    for model in models:
        await model.close()


@pytest.fixture(params=["server", "engine"])
def model(request: pytest.FixtureRequest, opened: Callable[[str], Model]) -> Model:
    """The organism on vLLM, behind a server and in this process."""
    if request.param == "engine":
        return request.getfixturevalue("engine")
    return opened(f"vllm:organism@{request.getfixturevalue('server')}/v1")
