"""A diagram shows what is in the cluster, in SVG and in the same words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from canarylab.figures.diagram import Diagram, draw_diagram
from canarylab.figures.diagram_content import DiagramContent
from tests.figures.diagrams import (
    BROKEN,
    CONTENTS,
    LONG,
    PROD,
    WEIGHTED,
    canary,
    node_port,
    production,
    service,
)

SVG = "{http://www.w3.org/2000/svg}"
SMALLEST_TEXT = 12.0  # pixels, at the narrowest that the diagram is shown
contents = pytest.mark.parametrize("name", CONTENTS)


class Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def drawn(name: str) -> Element:
    return parsed(draw_diagram(CONTENTS[name]))


def parsed(diagram: Diagram) -> Element:
    return ElementTree.fromstring(diagram.svg)


def of_class(root: Element, name: str) -> list[Element]:
    return [each for each in root.iter(f"{SVG}g") if each.get("class") == name]


def arrows(root: Element, name: str = "arrow") -> list[tuple[str | None, str | None]]:
    return [(each.get("data-from"), each.get("data-to")) for each in of_class(root, name)]


def texts(root: Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def boxes(root: Element) -> Iterator[Area]:
    """The frames of visitors, routes, Services and Deployments."""
    for group in root.iter(f"{SVG}g"):
        moved = re.fullmatch(r"translate\(([\d.]+) ([\d.]+)\)", group.get("transform") or "")
        frame = group.find(f"{SVG}rect")
        if moved and frame is not None:
            x, y = float(moved[1]), float(moved[2])
            wide, high = (float(frame.get(side) or 0) for side in ("width", "height"))
            yield Area(x, y, x + wide, y + high)


def overlap(one: Area, other: Area) -> bool:
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )


@contents
def test_no_box_overlaps_another_or_leaves_the_picture(name: str) -> None:
    root = drawn(name)
    _, _, wide, high = (float(part) for part in (root.get("viewBox") or "").split())

    assert [pair for pair in itertools.combinations(boxes(root), 2) if overlap(*pair)] == []
    assert all(box.right < wide and box.bottom < high for box in boxes(root))


@contents
def test_text_is_large_enough_at_the_narrowest(name: str) -> None:
    root = drawn(name)
    narrowest = re.search(r"min-width:(\d+)px", root.get("style") or "")
    assert narrowest
    scale = float(narrowest[1]) / float(root.get("width") or 0)

    sizes = {float(each.get("font-size") or 0) for each in root.iter(f"{SVG}text")}
    assert min(sizes) * scale >= SMALLEST_TEXT


@contents
def test_the_words_are_its_title_its_description_and_its_repr(name: str) -> None:
    diagram = draw_diagram(CONTENTS[name])
    root = parsed(diagram)
    title, words = root.find(f"{SVG}title"), root.find(f"{SVG}desc")

    assert title is not None
    assert words is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    assert repr(diagram).startswith(diagram.words.split("\n")[0])
    assert diagram.svg in diagram._repr_html_()


@contents
def test_it_has_a_light_background_of_its_own(name: str) -> None:
    background = drawn(name).find(f"{SVG}rect")

    assert background is not None
    assert background.get("fill") == "#ffffff"


def test_two_diagrams_in_one_page_share_no_id() -> None:
    ids = [re.findall(r' id="([^"]+)"', draw_diagram(each).svg) for each in CONTENTS.values()]

    assert len({name for found in ids for name in found}) == 2 * len(CONTENTS)


def test_an_empty_cluster_is_said_to_be_empty() -> None:
    assert "the cluster is empty" in texts(drawn("empty"))
    assert arrows(drawn("empty")) == []


def test_visitors_reach_the_service_and_the_service_every_ready_pod() -> None:
    (first, *others) = arrows(drawn("canary"))
    names = [pod.name for pod in (*production().pods, *canary().pods)]

    assert first == ("visitors", "nodeapp-svc")
    assert others == [("nodeapp-svc", name) for name in names]


def test_pods_without_a_service_have_no_visitors() -> None:
    root = drawn("no Service")

    assert arrows(root) == []
    assert [each.get("data-from") for each in of_class(root, "dead-end")] == ["visitors"]


def test_production_stands_above_the_canary() -> None:
    names = [each.get("data-name") for each in of_class(drawn("canary"), "group")]

    assert names == ["nodeapp-production", "nodeapp-canary"]


def test_a_canary_without_pods_stands_below_production() -> None:
    content = DiagramContent([canary(0), production()], [node_port(production())])
    names = [each.get("data-name") for each in of_class(parsed(draw_diagram(content)), "group")]

    assert names == ["nodeapp-production", "nodeapp-canary"]


def test_a_service_that_selects_no_pod_ends_in_a_cross_and_says_why() -> None:
    root = drawn("nobody selected")

    assert arrows(root) == [("visitors", "nodeapp-svc")]
    assert [each.get("data-from") for each in of_class(root, "dead-end")] == ["nodeapp-svc"]
    assert "no pod has these labels" in " ".join(texts(root))


def test_a_service_whose_pods_are_not_ready_says_so() -> None:
    waiting = canary(2, "not ready")
    diagram = draw_diagram(DiagramContent([waiting], [node_port(waiting)]))

    assert len(of_class(parsed(diagram), "dead-end")) == 1
    assert "It sends requests to no pod: no selected pod is ready." in diagram.words


def test_a_pod_that_is_not_ready_has_no_arrow_and_says_what_it_waits_for() -> None:
    root = drawn("not ready")
    ready = {pod.name for pod in BROKEN.pods if pod.state == "ready"}

    assert {target for _, target in arrows(root)} == {"nodeapp-svc", *ready}
    assert {"ImagePullBackOff", "not ready"} <= set(texts(root))


def test_many_pods_become_one_line_with_their_number() -> None:
    root = drawn("many pods")

    assert "version 1.0 40 pods" in texts(root)
    assert len(of_class(root, "pod")) == 1 + 6
    assert len(arrows(root)) == 1 + 1


def test_versions_differ_by_shape_and_by_their_names() -> None:
    old, *_, new = of_class(drawn("canary"), "pod")
    shapes = {mark.get("d") for pod in (old, new) for mark in pod.iter(f"{SVG}path")}

    assert len(shapes) == 2
    assert "version 1.0" in texts(old)[0]
    assert "version 2.0" in texts(new)[0]


def test_a_canary_ingress_shows_its_weight_and_its_header() -> None:
    root = drawn("weights")

    assert {"10 of 100 requests", "host foo.bar.com", "default backend →"} <= set(texts(root))
    assert ("ingress-canary", WEIGHTED.name) in arrows(root)
    assert arrows(root).count(("ingress-prod", PROD.name)) == 2


def test_a_node_port_is_reached_past_every_ingress() -> None:
    root = drawn("weights and a node port")
    (direct,) = [
        each
        for each in of_class(root, "arrow")
        if (each.get("data-from"), each.get("data-to")) == ("visitors", "nodeapp-svc")
    ]
    line = direct.find(f"{SVG}path")
    assert line is not None
    height = float(re.findall(r"[\d.]+", line.get("d") or "")[-2])

    in_the_way = list(boxes(root))[1:3]
    assert all(box.bottom < height for box in in_the_way)


def test_a_mirror_is_dashed_and_called_a_copy() -> None:
    root = drawn("mirror")
    (copy,) = of_class(root, "copy")
    line = copy.find(f"{SVG}path")

    assert copy.get("data-to") == WEIGHTED.name
    assert line is not None
    assert line.get("stroke-dasharray")
    assert "/ (copy) →" in texts(root)


def test_a_service_that_is_not_there_is_drawn_and_said() -> None:
    diagram = draw_diagram(CONTENTS["missing Service"])

    assert "is not there" in texts(parsed(diagram))
    assert f"Service {WEIGHTED.name} is not there, so no pod gets these requests." in diagram.words


def test_a_service_that_nothing_leads_to_says_so() -> None:
    inside = service("inside", {"app": "nodeapp"}, production())
    diagram = draw_diagram(DiagramContent([production()], [inside]))

    assert "no way in from outside" in " ".join(texts(parsed(diagram)))
    assert "Only pods reach Service inside" in diagram.words


def test_a_name_that_is_cut_is_whole_in_a_title() -> None:
    root = drawn("long names")

    assert not any(LONG in text for text in texts(root))
    assert {LONG, f"{LONG}: {LONG}"} <= {each.text for each in root.iter(f"{SVG}title")}


def test_hostile_names_are_text() -> None:
    diagram = draw_diagram(CONTENTS["hostile names"])

    assert list(parsed(diagram).iter(f"{SVG}script")) == []
    assert "<script>" not in diagram.svg


def test_the_words_of_a_release() -> None:
    assert draw_diagram(CONTENTS["canary"]).words == (
        "1 Service and 4 pods, of which 4 are ready.\n"
        "Visitors reach Service nodeapp-svc at node port 32089.\n"
        "Service nodeapp-svc selects app: nodeapp. It sends requests to 3 ready pods of Deployment "
        "nodeapp-production and 1 ready pod of Deployment nodeapp-canary.\n"
        "Deployment nodeapp-production, labels app: nodeapp, env: prod: "
        "3 pods of version 1.0, ready.\n"
        "Deployment nodeapp-canary, labels app: nodeapp, env: canary: 1 pod of version 2.0, ready."
    )


def test_the_words_of_pods_that_are_not_ready() -> None:
    assert "3 pods of version 1.0, ready; 1 pod of version 9.9, ImagePullBackOff." in (
        draw_diagram(CONTENTS["not ready"]).words
    )


def test_the_words_of_a_mirror() -> None:
    assert (
        "Visitors reach HTTPRoute nodeapp-split (host gateway.foo.bar.com; Gateway canarylab): "
        "/ to Service nodeapp-svc-prod; "
        "/ is copied to Service nodeapp-svc-canary-weighted."
    ) in draw_diagram(CONTENTS["mirror"]).words


@pytest.mark.parametrize("name", [name for name in CONTENTS if "names" not in name])
def test_no_name_of_the_lessons_is_cut(name: str) -> None:
    assert [text for text in texts(drawn(name)) if text.endswith("…")] == []
