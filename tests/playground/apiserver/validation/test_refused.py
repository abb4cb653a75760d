"""What a real API server refused, in its own words.

The manifests and the answers were recorded on Kubernetes 1.36; here they go through everything
but HTTP. What kubectl itself refuses, and what takes other objects to refuse, is left to the
conformance run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from canarylab.errors import BadRequestError
from canarylab.kube_objects import Object
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import errors_of

CONFORMANCE = Path(__file__).parents[3] / "conformance"
CASES = ("05-refused", "13-gateway")
FILES: dict[str, str] = {}
ANSWERS: list[dict[str, Any]] = []
for case in CASES:
    FILES |= yaml.safe_load((CONFORMANCE / f"cases/{case}.yaml").read_text())["files"]
    ANSWERS += json.loads((CONFORMANCE / f"golden/{case}.json").read_text())

OF_KUBECTL = {"empty-name.yaml", "not-yaml.yaml", "empty-file.yaml", "missing.yaml"}
OF_KUBECTL |= {"unknown-kind.yaml", "unknown-version.yaml", "old-version.yaml"}
BEFORE = {"selector-changed.yaml": "prod.yaml"}


def refused() -> dict[str, list[str]]:
    """Each file of a kind we serve, with the lines that kubectl printed."""
    applied = {
        answer["run"].rpartition(" ")[2]: answer["err"]
        for answer in ANSWERS
        if answer["run"].startswith("kubectl apply -f")
    }
    return {
        name: lines
        for name, lines in applied.items()
        if name in FILES and name not in OF_KUBECTL and document(name)["kind"] in KINDS
    }


def document(name: str) -> Object:
    loaded: Object = yaml.safe_load(FILES[name])
    return loaded


def printed(name: str) -> list[str]:
    """What kubectl would print of our answer."""
    given = document(name)
    before = document(BEFORE[name]) if name in BEFORE else None
    try:
        sentences = errors_of(given, before)
    except BadRequestError as error:
        return [f'Error from server (BadRequest): error when creating "{name}": {error}']
    head = f'The {given["kind"]} "{given["metadata"]["name"]}" is invalid:'
    if len(sentences) == 1:
        return [f"{head} {sentences[0]}"]
    return [head, *(f"* {sentence}" for sentence in sentences)] if sentences else []


@pytest.mark.parametrize(("name", "lines"), refused().items(), ids=refused())
def test_refusals_are_those_of_a_real_server(name: str, lines: list[str]) -> None:
    assert printed(name) == lines


def test_the_record_is_not_empty() -> None:
    assert len(refused()) == 46


def test_the_article_is_refused_for_two_reasons() -> None:
    assert printed("both-as-in-the-article.yaml")[1:] == [
        '* metadata.name: Invalid value: "nodeapp_production": a lowercase RFC 1123 subdomain '
        "must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
        "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        '* spec.template.spec.containers[0].name: Invalid value: "node-app-1.0": '
        "must not contain dots",
    ]
