from __future__ import annotations

import json
from pathlib import Path

import pytest

from canarylab.errors import SetupError
from canarylab.release.connection import Connection, kubectl_words


def status(*causes: tuple[str, str]) -> str:
    return json.dumps(
        {
            "reason": "Invalid",
            "message": "long",
            "details": {
                "kind": "Deployment",
                "name": "web_1",
                "causes": [{"field": field, "message": message} for field, message in causes],
            },
        }
    )


def test_one_cause_is_one_line() -> None:
    said = kubectl_words(status(("metadata.name", "Invalid value")), None)
    assert said == 'The Deployment "web_1" is invalid: metadata.name: Invalid value'


def test_two_causes_are_a_line_each() -> None:
    said = kubectl_words(status(("a", "one"), ("b", "two")), None)
    assert said == 'The Deployment "web_1" is invalid: \n* a: one\n* b: two'


def test_an_answer_that_is_no_status_is_shown_as_it_is() -> None:
    assert kubectl_words("<html>", "Bad Gateway") == "Error from server: Bad Gateway"


def test_a_kubeconfig_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        SetupError, match=r"nowhere cannot be used as a kubeconfig: .*`canarylab up`"
    ):
        Connection(tmp_path / "nowhere")
