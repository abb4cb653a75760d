from __future__ import annotations

from pathlib import Path

import pytest

from canarylab import resources
from canarylab.errors import ManifestError
from canarylab.manifests import differences, load, parse


def test_every_manifest_we_ship_holds_an_object_with_a_name() -> None:
    files = sorted(resources.folder("manifests").rglob("*.yaml"))
    objects = [
        entry for file in files for entry in load(file) if "x-k8s.io" not in entry["apiVersion"]
    ]
    assert len(objects) >= len(files) - 1  # kind's own configuration is no object of the API
    assert all(entry["metadata"]["name"] for entry in objects)


def test_canary_and_production_differ_in_name_env_replicas_and_image_only() -> None:
    folder = resources.folder("manifests")
    production = (folder / "02-production/production.yaml").read_text()
    canary = (folder / "03-canary/canary.yaml").read_text()
    changed = [line.strip() for line, differs in differences(production, canary) if differs]
    assert changed[1:] == [  # the first is the comment
        "name: nodeapp-canary",
        "env: canary",
        "replicas: 1",
        "env: canary",
        "env: canary",
        "image: node_app:2.0",
    ]


def test_several_documents_keep_their_order() -> None:
    text = "apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\n"
    assert [entry["kind"] for entry in parse(text)] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: b: c", "line 1"),
        ("", "holds no object"),
        ("- 1", "is list, not an object"),
        ("kind: Deployment", "has no apiVersion"),
        ("spec: 1", "has no apiVersion and no kind"),
    ],
)
def test_what_is_no_manifest_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        parse(text, name="my.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere\.yaml cannot be read: No such file"):
        load(tmp_path / "nowhere.yaml")
