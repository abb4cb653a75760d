"""What two readers say of the same wrong value."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.documents.reading import DecodeErrors, read_structure

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
    errors = DecodeErrors(from_patch=True)
    read_structure(structure, document, errors)
    assert errors.first_error == said


def test_nothing_is_found_in_a_document_in_order() -> None:
    errors = DecodeErrors()
    read_structure(SPEC, {"replicas": 3}, errors)
    assert errors == DecodeErrors()


def test_unknown_fields_are_named_from_the_top() -> None:
    errors = DecodeErrors()
    read_structure(CONTAINER, {"ports": [{"port": 1}]}, errors, "spec.containers[0]")
    assert errors.unknown_fields == ["spec.containers[0].ports[0].port"]
