"""The face that waits, as a notebook uses it."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from canarylab import traffic
from canarylab.errors import TrafficError
from tests.traffic.conftest import Serve
from tests.traffic.server import answering, response


async def test_a_notebook_gets_its_sample_without_await(serve: Serve) -> None:
    server = await serve(answering(response("1.0")))
    sample = await asyncio.to_thread(traffic.sample, server.url, count=20)
    assert sample.by_version == {"1.0": 20}


async def test_unless_told_it_asks_a_hundred_times(serve: Serve) -> None:
    server = await serve(answering(response("1.0")))
    assert (await asyncio.to_thread(traffic.sample, server.url)).total == 100


async def test_it_says_nothing_where_nobody_watches(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    server = await serve(answering(response("1.0")))
    await asyncio.to_thread(traffic.sample, server.url, count=20)
    assert capfd.readouterr() == ("", "")


def test_nobody_there_is_an_error_in_two_sentences(nobody: str) -> None:
    with pytest.raises(TrafficError, match=rf"^Nobody answers at {nobody}: .*\. Start .*\.$"):
        traffic.sample(nobody)


@pytest.mark.parametrize("heavy", ["pandas", "matplotlib", "ipywidgets", "scipy"])
def test_importing_it_loads_nothing_heavy(heavy: str) -> None:
    script = f"import sys, canarylab.traffic; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
