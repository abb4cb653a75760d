"""What two readers say of the same wrong value."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.documents.reading import Findings, read

SPEC = "io.k8s.api.apps.v1.DeploymentSpec"
CONTAINER = "io.k8s.api.core.v1.Container"


@pytest.mark.parametrize(
    ("structure", "document", "said"),
    [
        (SPEC, {"replicas": "x"}, "unrecognized type: int32"),
        (SPEC, {"replicas": True}, "unrecognized type: int32"),
        (SPEC, {"replicas": 1.5}, "cannot convert float64 to int32"),
        (SPEC, {"paused": "x"}, "unrecognized type: bool"),
        (SPEC, {"template": "x"}, "cannot restore struct from: string"),
        (CONTAINER, {"image": 1}, "cannot convert int64 to string"),
        (CONTAINER, {"image": {}}, "unrecognized type: string"),
        (CONTAINER, {"imagePullPolicy": {}}, "unrecognized type: string"),
        (CONTAINER, {"args": "x"}, "cannot restore slice from string"),
    ],
)
def test_after_a_strategic_merge_patch_the_words_are_others(
    structure: str, document: dict[str, Any], said: str
) -> None:
    findings = Findings(converting=True)
    read(structure, document, findings)
    assert findings.wrong == said


def test_nothing_is_found_in_a_document_in_order() -> None:
    findings = Findings()
    read(SPEC, {"replicas": 3}, findings)
    assert findings == Findings()


def test_unknown_fields_are_named_from_the_top() -> None:
    findings = Findings()
    read(CONTAINER, {"ports": [{"port": 1}]}, findings, "spec.containers[0]")
    assert findings.unknown == ["spec.containers[0].ports[0].port"]
