"""What the stand-in programs share: strict arguments, orders to fail or to hang, a way to end."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import NoReturn

from tests.fakes.state import FakeState

LOOK_EVERY_S = 0.005

Command = Callable[[FakeState, list[str]], None]


class Refused(Exception):  # noqa: N818  a way to end, as the real program ends
    """The program ends with these words on stderr."""

    def __init__(self, words: str, status: int = 1) -> None:
        self.words, self.status = words, status
        super().__init__(words)


def run(program: str, command: Command) -> NoReturn:
    """Note the call, do it, and end as the real program does."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a Go program dies when nobody listens
    state = FakeState.of_environment()
    state.note(program, sys.argv[1:])
    try:
        command(state, sys.argv[1:])
    except Refused as exc:
        say(exc.words)
        sys.exit(exc.status)
    sys.exit(0)


def say(words: str) -> None:
    """On stderr, at once."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def answer(words: str) -> None:
    """On stdout."""
    sys.stdout.write(f"{words}\n")


def parsed(
    arguments: list[str], known: Mapping[str, bool], refuse: Callable[[str], Refused]
) -> tuple[dict[str, str], list[str]]:
    """Flags and the rest; `known` says of each flag whether it takes a value."""
    flags: dict[str, str] = {}
    rest: list[str] = []
    left = list(arguments)
    while left:
        word = left.pop(0)
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in known:
            raise refuse(name)
        if known[name] and not equals:
            if not left:
                raise Refused(f"flag needs an argument: {name}")
            value = left.pop(0)
        flags[name] = value
    return flags, rest


def hang(state: FakeState) -> None:
    """Until killed, or until told to go on."""
    draft = state.hanging.with_suffix(".new")
    draft.write_text(str(os.getpid()))
    draft.rename(state.hanging)
    while not (state.root / "go-on").exists():
        time.sleep(LOOK_EVERY_S)
    state.hanging.unlink()
