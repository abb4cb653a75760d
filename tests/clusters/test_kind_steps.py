"""What kind writes becomes plain words."""

from __future__ import annotations

import pytest

from canarylab.clusters.kind.steps import ran_out_of_time, step


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            " • Ensuring node image (kindest/node:v1.37.0) 🖼  ...",
            "ensuring node image (kindest/node:v1.37.0)",
        ),
        (" • Preparing nodes 📦   ...", "preparing nodes"),
        (" • Writing configuration 📜  ...", "writing configuration"),
        (" • Starting control-plane 🕹️  ...", "starting control-plane"),
        (" • Installing CNI 🔌  ...", "installing CNI"),
        (
            " • Waiting ≤ 2m0s for control-plane = Ready ⏳  ...",
            "waiting ≤ 2m0s for control-plane = Ready",
        ),
        (" • Ready after 17s 💚", "ready after 17s"),
        (" \x1b[31m✗\x1b[0m Starting control-plane 🕹️ ", "starting control-plane failed"),
    ],
)
def test_a_step_that_begins_or_fails(line: str, words: str) -> None:
    assert step(line) == words


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        " ✓ Preparing nodes 📦 ",
        " \x1b[32m✓\x1b[0m Preparing nodes 📦 ",
        'Creating cluster "canarylab" ...',
        'Set kubectl context to "kind-canarylab"',
        "Have a nice day! 👋",
        "enabling experimental podman provider",
        'ERROR: failed to create cluster: node(s) already exist for a cluster with the name "x"',
        " • ",
    ],
)
def test_everything_else_is_not_a_step(line: str) -> None:
    assert step(line) is None


def test_giving_up_is_noticed() -> None:
    assert ran_out_of_time(" • WARNING: Timed out waiting for Ready ⚠️")
    assert not ran_out_of_time(" • Waiting ≤ 2m0s for control-plane = Ready ⏳  ...")
