"""The checkpoints of lesson 6: two Services apart, and a preview that keeps to its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from canarylab.checks import Verdict, check
from canarylab.release.endpoints import Endpoint
from canarylab.traffic.http import HttpResponse


class PreviewLab:
    """Which versions stand behind each Service, and which answers each path: set by hand."""

    def __init__(self, behind: Mapping[str, Sequence[str]], answering: Mapping[str, str]) -> None:
        self._behind, self._answering = behind, answering

    def ready_endpoints(self, service: str) -> list[Endpoint]:
        return [Endpoint("", "", version, ready=True) for version in self._behind[service]]

    def get(self, path: str) -> HttpResponse:
        version = self._answering.get(path)
        return HttpResponse(200, "OK", {"X-Version": version} if version else {}, "")


def services(prod: Sequence[str], canary: Sequence[str]) -> Verdict:
    lab: Any = PreviewLab({"nodeapp-svc-prod": prod, "nodeapp-svc-canary": canary}, {})
    return check(lab, "each version has a Service of its own")


def preview(**answering: str) -> Verdict:
    right = {"/": "1.0", "/canary": "2.0", "/canary/x": "2.0", "/canarybird": "1.0"}
    named = {f"/{path}": version for path, version in answering.items()}
    lab: Any = PreviewLab({}, {**right, **named})
    return check(lab, "the preview keeps to its path")


def test_each_version_has_a_service() -> None:
    assert services(["1.0"] * 3, ["2.0"]).holds


@pytest.mark.parametrize(
    ("prod", "canary"),
    [([], ["2.0"]), (["1.0"], []), (["1.0", "2.0"], ["2.0"]), (["2.0"], ["1.0"])],
)
def test_a_service_that_finds_others_or_nobody_is_not_its_own(
    prod: list[str], canary: list[str]
) -> None:
    verdict = services(prod, canary)

    assert not verdict.holds
    assert "compare each selector" in verdict.words


def test_a_preview_that_keeps_to_its_path_holds() -> None:
    assert preview().words == "/, /canary, /canary/x and /canarybird go where they should"


def test_a_preview_that_catches_more_is_named() -> None:
    verdict = preview(canarybird="2.0")

    assert not verdict.holds
    assert verdict.words.startswith("version 2.0 answers /canarybird;")


def test_a_path_that_no_version_answers_is_not_yet_right() -> None:
    assert not preview(canary="").holds
