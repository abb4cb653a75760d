"""What is said of Python, Node, loopback addresses, inotify, proxies and Binder?"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from canarylab.errors import SetupError
from canarylab.machine.binder import binder
from canarylab.machine.inotify import inotify
from canarylab.machine.loopback import loopback
from canarylab.machine.node import node
from canarylab.machine.proxy import proxy
from canarylab.machine.python import python
from canarylab.playground import home
from tests.needs import needs


def test_python_is_named_with_its_place() -> None:
    found = python()
    assert (found.state, sys.executable in found.words) == ("fine", True)


def test_a_python_that_is_too_old_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 14))
    found = python()
    assert (found.state, found.words.startswith("Python 3.10.14")) == ("missing", True)


def test_node_comes_with_pip() -> None:
    found = node()
    assert (found.state, found.words) == ("fine", f"Node {home.node_version()} came with pip")


def test_a_missing_node_is_told_how_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise SetupError("")

    monkeypatch.setattr(home, "node_folder", none)
    found = node()
    assert (found.state, "pip install nodejs" in found.remedy) == ("missing", True)


@needs("linux")
def test_linux_has_all_loopback_addresses() -> None:
    assert loopback().state == "fine"


def test_an_address_that_is_not_of_this_machine_is_missing() -> None:
    found = loopback("192.0.2.1")  # for examples only: nobody has it
    assert (found.state, "Binder" in found.remedy) == ("missing", True)


@pytest.mark.parametrize(("most", "state"), [(512, "fine"), (128, "note")])
def test_few_inotify_instances_are_a_note(most: int, state: str, tmp_path: Path) -> None:
    (tmp_path / "limit").write_text(f"{most}\n")
    found = inotify(tmp_path / "limit")
    assert (found.state, str(most) in found.words) == (state, True)


def test_a_system_without_inotify_is_fine(tmp_path: Path) -> None:
    assert inotify(tmp_path / "none").state == "fine"


@pytest.mark.parametrize(
    ("environment", "state", "words"),
    [
        ({}, "fine", "No proxy is set"),
        ({"https_proxy": "http://p:1", "no_proxy": "127.0.0.1"}, "fine", "HTTPS_PROXY is set, and"),
        ({"HTTPS_PROXY": "http://p:1"}, "note", "curl and `requests` would ask the proxy"),
        ({"ALL_PROXY": "socks5://p:1", "NO_PROXY": "a.org"}, "note", "ALL_PROXY is set"),
        ({"HTTP_PROXY": ""}, "fine", "No proxy is set"),
    ],
)
def test_what_a_proxy_would_be_asked_is_said(
    environment: dict[str, str], state: str, words: str
) -> None:
    found = proxy(environment)
    assert (found.state, words in found.words) == (state, True)
    assert ("NO_PROXY=127.0.0.1" in found.remedy) == (state != "fine")


@pytest.mark.parametrize("name", ["BINDER_LAUNCH_HOST", "BINDER_REPO_URL", "BINDER_SERVICE_HOST"])
def test_binder_keeps_nothing(name: str) -> None:
    found = binder({name: "https://mybinder.org/"})
    assert (found.state, "keeps nothing" in found.words) == ("note", True)


def test_elsewhere_everything_stays() -> None:
    assert binder({}).state == "fine"
