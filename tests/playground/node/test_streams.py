"""attach, exec with a terminal, and the input of a container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canarylab.kube_objects import Key
from canarylab.playground.node.streams import MOST_UNREAD, AttachedOutput
from tests.needs import needs
from tests.playground.node.node_fixture import SPACE, Node, communicate, node, pod, shell
from tests.waiting import until

pytestmark = needs("linux")
WEB = Key(SPACE, "web-1")
ECHO = "echo up; while read line; do echo got $line; done; echo end; sleep 600"


async def came(output: Any, expected: bytes) -> bytes:
    """What has come, once the expected bytes have."""
    read = b""
    while expected not in read:
        piece = await output.read(65_536)
        assert piece, read
        read += piece
    return read


async def is_up(here: Node, word: str = "up") -> None:
    """The container has written this, and the kubelet knows that it runs."""
    await here.wrote(word)
    await until(here.state_is("running"))


async def test_attach_shows_what_comes_from_now_on(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(ECHO, stdin=True)))
        await is_up(here)
        first = here.kubelet.attach(WEB, stdin=True)
        second = here.kubelet.attach(WEB)

        await first.write(b"one\n")

        assert await came(first.stdout, b"one\n") == b"got one\n"
        assert await came(second.stdout, b"one\n") == b"got one\n"
        first.close()
        second.close()


async def test_the_input_stays_open_for_the_next_client(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(ECHO, stdin=True)))
        await is_up(here)
        first = here.kubelet.attach(WEB, stdin=True)
        first.close_input()
        first.close()

        second = here.kubelet.attach(WEB, stdin=True)
        await second.write(b"two\n")

        assert await came(second.stdout, b"two\n") == b"got two\n"
        second.close()


async def test_with_stdin_once_the_input_ends_with_the_first_client(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(ECHO, stdin=True, stdinOnce=True)))
        await is_up(here)
        here.kubelet.attach(WEB).close()  # a client without an input
        here.kubelet.attach(WEB, stdin=True).close()
        await here.wrote("end")


async def test_without_stdin_the_input_of_a_container_is_empty(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(ECHO)))
        await is_up(here, "end")
        streams = here.kubelet.attach(WEB, stdin=True)
        await streams.write(b"nobody reads this\n")
        streams.close()


async def test_a_container_with_a_terminal_has_one_output(tmp_path: Path) -> None:
    script = "tty; echo err >&2; while read line; do stty size; done"
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(script, stdin=True, tty=True)))
        await is_up(here, "err")
        streams = here.kubelet.attach(WEB, stdin=True)

        streams.resize(101, 37)
        await streams.write(b"\n")

        await came(streams.stdout, b"37 101")
        streams.close()
        await here.delete(grace_s=1)
        await until(here.is_gone)


async def test_attach_ends_with_the_container(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("echo up; read line; echo bye; exit 3", stdin=True)))
        await is_up(here)
        streams = here.kubelet.attach(WEB, stdin=True)

        assert await communicate(streams, b"\n") == (0, b"bye\n", b"")


async def test_a_terminal_is_the_controlling_one(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("echo up; sleep 600")))
        await is_up(here)
        command = ["sh", "-c", "echo $TERM > /dev/tty; exit 4"]
        streams = await here.kubelet.execute(WEB, command, terminal=True)

        code, out, _ = await communicate(streams)

        assert (code, out.replace(b"\r", b"").endswith(b"xterm\n")) == (4, True)


async def test_no_descriptor_is_left(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("echo up; sleep 600", stdin=True, tty=True)))
        await is_up(here)
        before = _descriptors()
        for _ in range(5):
            await communicate(await here.kubelet.execute(WEB, ["true"], terminal=True))
            here.kubelet.attach(WEB, stdin=True).close()
        await until(lambda: _descriptors() <= before)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_client_that_does_not_read_is_detached() -> None:
    output = AttachedOutput()
    for _ in range(100):
        output.feed(bytes(MOST_UNREAD // 10))

    kept = 0
    while piece := await output.read(65_536):
        kept += len(piece)

    assert kept <= MOST_UNREAD


@pytest.mark.parametrize("image", ["no-such-image:9.9"])
async def test_nobody_attaches_to_a_container_that_does_not_run(tmp_path: Path, image: str) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**shell("true"), "image": image}))
        await until(here.state_is("waiting", "ErrImagePull"))
        with pytest.raises(Exception, match=r'container not found \("web"\)'):
            here.kubelet.attach(WEB)
