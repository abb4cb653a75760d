from __future__ import annotations

import pytest

from canarylab.errors import TrafficError
from canarylab.ports import unused
from canarylab.traffic.ask import Reply, ask


def test_nobody_there_is_said_with_the_address() -> None:
    url = f"http://127.0.0.1:{unused()}"
    with pytest.raises(TrafficError, match=rf"Nobody answers at {url}: .*refused"):
        ask(url)


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://127.0.0.1", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no address to ask"):
        ask(url)


def test_a_reply_reads_like_curl_i() -> None:
    reply = Reply(200, "OK", {"X-Version": "1.0"}, '"Version 1.0"')
    assert repr(reply) == '200 OK\nX-Version: 1.0\n\n"Version 1.0"'
