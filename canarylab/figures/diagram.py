"""Diagram of a cluster: visitors, Ingresses, Services and the pods of each Deployment.

`draw_diagram` turns plain values into SVG and into the same facts as words. The text is measured
with the widths of the font DejaVu Sans, which is one of the widest: another font leaves more room.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from canarylab.display import scrolling_html, write_file
from canarylab.figures import GRID, INK, MUTED, PAPER, VersionStyle, version_styles
from canarylab.figures.diagram_content import (
    MAX_PODS,
    READY,
    DiagramContent,
    DiagramRoute,
    DiagramService,
    PodGroup,
    describe,
    in_order,
    is_outer,
    reason_without_pods,
    routed_services,
    selects,
    with_missing_services,
)
from canarylab.text import join_words, version_label


@dataclass(frozen=True)
class Diagram:
    """A diagram as SVG, and the same facts as words."""

    svg: str
    words: str

    def save(self, path: str | Path) -> Path:
        """Write the SVG and return its path.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     draw_diagram(DiagramContent()).save(f"{folder}/diagram.svg").name
        'diagram.svg'
        """
        return write_file(Path(path), self.svg)

    def __repr__(self) -> str:
        return self.words

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return scrolling_html(self.svg)


def draw_diagram(content: DiagramContent) -> Diagram:
    """Draw what is in a cluster.

    >>> from canarylab.figures.diagram_content import DiagramPod
    >>> pods = [DiagramPod("web-1", "1.0"), DiagramPod("web-2", "1.0")]
    >>> service = DiagramService("svc", {"app": "web"}, frozenset({"web-1", "web-2"}), 32089)
    >>> draw_diagram(DiagramContent([PodGroup("web", {"app": "web"}, pods)], [service]))
    1 Service and 2 pods, of which 2 are ready.
    Visitors reach Service svc at node port 32089.
    Service svc selects app: web. It sends requests to 2 ready pods of Deployment web.
    Deployment web, labels app: web: 2 pods of version 1.0, ready.
    """
    complete = in_order(with_missing_services(content))
    words = describe(complete)
    return Diagram(_svg(complete, words), words)


# Boxes: each is drawn from its own top left corner, and placed afterwards

_PAD, _GAP, _MARGIN = 10.0, 18.0, 14.0  # pixels, as all sizes below
_NAME, _TEXT = 14.5, 14.0
_LINE = 20.0
_VISITORS, _BETWEEN = 84.0, 38.0
_WIDE, _NARROW = (200.0, 246.0), (190.0, 208.0)  # of Services and pods, without routes and with
_SMALLEST_SCALE, _LARGEST_SCALE = 0.87, 1.1  # 14 pixels become 12 at the least
_FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
_CHIP, _WARNING = "#eef2f6", "#a3262a"
# Of DejaVu Sans, in parts of the size; the other letters are counted as wide ones.
_WIDTHS = {
    **dict.fromkeys("ijl'|", 0.28),
    **dict.fromkeys(" .,:;/-()[]I!", 0.38),
    **dict.fromkeys("frt", 0.42),
    **dict.fromkeys("abcdeghknopqsuvxyz0123456789_?*", 0.64),
    **dict.fromkeys("ABCDEFGHJKLNOPRSTUVXYZ=+<>", 0.80),
}
_WIDEST, _BOLD = 1.0, 1.1


class _Style(NamedTuple):
    colour: str = INK
    bold: bool = False
    size: float = _TEXT


_HEADING, _MUTED, _PLAIN = _Style(bold=True, size=_NAME), _Style(MUTED), _Style()
_BROKEN = _Style(_WARNING, bold=True)


@dataclass
class _Box:
    """A box that grows downwards as lines are added."""

    kind: str
    name: str
    width: float
    dashed: bool = False
    height: float = _PAD
    parts: list[str] = field(default_factory=list)
    anchors: dict[int, float] = field(default_factory=dict)
    """The heights of the numbered lines that arrows begin or end at."""
    x: float = 0.0
    y: float = 0.0

    @property
    def middle(self) -> float:
        """The height of its middle in the diagram."""
        return self.y + self.height / 2

    def anchor(self, number: int) -> float:
        """The height in the diagram of a numbered line."""
        return self.y + self.anchors[number]

    def write(self, text: str, style: _Style = _PLAIN, *, lines: int = 1) -> None:
        """Add a text, on several lines if it is too long for one."""
        shown = _wrap(text, style, self.width - 2 * _PAD, lines)
        is_cut = "".join(shown).endswith("…")
        written = "".join(
            _text(line, _PAD, self.height + place * _LINE + _LINE / 2, style)
            for place, line in enumerate(shown)
        )
        self.parts.append(_titled(written, text if is_cut else ""))
        self.height += _LINE * len(shown)

    def label(self, labels: Mapping[str, str]) -> None:
        """Add labels, each in a frame of its own."""
        x = _PAD
        room = self.width - 2 * _PAD
        for text in (f"{key}: {value}" for key, value in labels.items()):
            (shown,) = _wrap(text, _PLAIN, room - 12, 1)
            wide = _text_width(shown, _PLAIN) + 12
            if x > _PAD and x + wide > self.width - _PAD:
                x, self.height = _PAD, self.height + _LINE + 4
            frame = _rectangle((x, self.height, wide, _LINE), _frame(GRID, fill=_CHIP))
            words = _text(shown, x + 6, self.height + _LINE / 2, _PLAIN)
            self.parts.append(_titled(frame + words, text if shown != text else ""))
            x += wide + 6
        if labels:
            self.height += _LINE + 6

    def svg(self) -> str:
        """The box at its place."""
        stroke = _WARNING if self.dashed else MUTED
        frame = _rectangle((0, 0, self.width, self.height), _frame(stroke, dashed=self.dashed))
        return (
            f'<g class="{_safe(self.kind)}" data-name="{_safe(self.name)}" '
            f'transform="translate({self.x:.1f} {self.y:.1f})">{frame}{"".join(self.parts)}</g>'
        )


def _visitors_box() -> _Box:
    box = _Box("visitors", "visitors", _VISITORS)
    for x in (22, 42, 62):
        box.parts.append(
            f'<circle cx="{x}" cy="20" r="6" fill="{MUTED}"/>'
            f'<path d="M{x - 9} 42a9 13 0 0 1 18 0z" fill="{MUTED}"/>'
        )
    box.height = 46
    box.write("visitors", _HEADING)
    box.height += _PAD / 2
    return box


def _route_box(route: DiagramRoute) -> _Box:
    box = _Box("route", route.name, _NARROW[0])
    box.write(route.kind, _MUTED)
    box.write(route.name, _HEADING, lines=2)
    for note in route.notes:
        box.write(note, lines=2)
    for number, rule in enumerate(route.rules):
        box.anchors[number] = box.height + _LINE / 2
        box.write(f"{rule.text}{' (copy)' if rule.is_mirror else ''} →", _Style(bold=True))
    if not route.rules:
        box.write("no rule", _BROKEN)
    box.height += _PAD
    return box


def _service_box(service: DiagramService, content: DiagramContent) -> _Box:
    box = _Box("service", service.name, _widths(content)[0], dashed=not service.exists)
    box.write("Service", _MUTED)
    box.write(service.name, _HEADING, lines=2)
    if not service.exists:
        box.write("is not there", _BROKEN)
    elif service.selector:
        box.write("selects")
        box.label(service.selector)
    else:
        box.write("has no selector")
    if service.node_port:
        box.write(f"node port {service.node_port}")
    elif service.name not in routed_services(content):
        box.write("no way in from outside", _MUTED, lines=2)
    if service.exists and not service.ready_pods:
        box.write(reason_without_pods(service, content), _BROKEN, lines=2)
    box.height += _PAD
    return box


class _PodLine(NamedTuple):
    """One pod, or several of one version and state."""

    version: str
    state: str
    names: tuple[str, ...]


def _pod_lines(group: PodGroup) -> list[_PodLine]:
    if len(group.pods) <= MAX_PODS:
        return [_PodLine(pod.version, pod.state, (pod.name,)) for pod in group.pods]
    kinds: dict[tuple[str, str], list[str]] = {}
    for pod in group.pods:
        kinds.setdefault((pod.version, pod.state), []).append(pod.name)
    return [_PodLine(*kind, tuple(names)) for kind, names in kinds.items()]


def _group_box(group: PodGroup, styles: Mapping[str, VersionStyle], width: float) -> _Box:
    box = _Box("group", group.deployment, width)
    box.write("Deployment" if group.deployment else "pods of no Deployment", _MUTED)
    if group.deployment:
        box.write(group.deployment, _HEADING, lines=2)
    box.height += 2
    box.label(group.labels)
    for number, line in enumerate(_pod_lines(group)):
        box.anchors[number] = box.height + _LINE / 2 + 2
        _write_pod(box, line, styles[line.version])
    if not group.pods:
        box.write("no pod", _MUTED)
    box.height += _PAD
    return box


def _write_pod(box: _Box, line: _PodLine, style: VersionStyle) -> None:
    is_ready = line.state == READY
    who = f"…{line.names[0][-5:]}" if len(line.names) == 1 else f"{len(line.names)} pods"
    words = [_Style(), _BROKEN]
    told = [f"{version_label(line.version)} {who}", *([] if is_ready else [line.state])]
    y, high, room = box.height, _LINE * len(told) + 4, box.width - 2 * _PAD
    frame = _rectangle((_PAD, y, room, high), _frame(style.colour, dashed=not is_ready))
    mark = _marker(style, _PAD + 13, y + high / 2, filled=is_ready)
    written = "".join(
        _text(_wrap(text, look, room - 32, 1)[0], _PAD + 26, y + 2 + (place + 0.5) * _LINE, look)
        for place, (text, look) in enumerate(zip(told, words, strict=False))
    )
    whole = f"{join_words(line.names)}: {version_label(line.version)}, {line.state}"
    box.parts.append(_titled(f"{frame}{mark}{written}", whole, kind="pod"))
    box.height += high + 4


# Places of the boxes, and arrows between them


class _Columns(NamedTuple):
    visitors: _Box
    routes: Sequence[_Box]
    services: Sequence[_Box]
    groups: Sequence[_Box]


def _svg(content: DiagramContent, words: str) -> str:
    styles = version_styles({pod.version for group in content.groups for pod in group.pods})
    columns = _Columns(
        _visitors_box(),
        [_route_box(route) for route in content.routes],
        [_service_box(service, content) for service in content.services],
        [_group_box(group, styles, _widths(content)[1]) for group in content.groups],
    )
    width = _place(columns, content)
    boxes = [columns.visitors, *columns.routes, *columns.services, *columns.groups]
    height = max(box.y + box.height for box in boxes) + _MARGIN
    drawn = "".join(
        [*(box.svg() for box in boxes), *_arrows(columns, content), *_if_empty(content, width)]
    )
    return _document(drawn, words, width, height)


def _place(columns: _Columns, content: DiagramContent) -> float:
    """Give every box its place, and return the width of the diagram."""
    x = _MARGIN
    for column in ([columns.visitors], columns.routes, columns.services, columns.groups):
        for box in column:
            box.x = x
        if column:
            x += column[0].width + _BETWEEN
    width = max(x - _BETWEEN + _MARGIN, 400.0)
    _stack(columns.groups, [0.0] * len(columns.groups))
    routed = routed_services(content)
    inner = sum(not is_outer(service, routed) for service in content.services)
    wanted = [_middle_of_targets(service, columns.groups, content) for service in content.services]
    end = _stack(columns.services[:inner], wanted[:inner])
    places = {service.name: place for place, service in enumerate(content.services)}
    leads = [
        _mean(
            columns.services[place].middle
            for rule in route.rules
            if (place := places[rule.service]) < inner
        )
        for route in content.routes
    ]
    end = max(end, _stack(columns.routes, leads))
    # Below every Ingress, so that the arrow of the visitors passes none.
    _stack(columns.services[inner:], wanted[inner:], top=end if content.routes else _MARGIN)
    reached = [*columns.routes, *_open_boxes(columns, content)]
    others = [*columns.services, *columns.groups]
    columns.visitors.y = max(
        _MARGIN, _mean(box.middle for box in reached or others) - columns.visitors.height / 2
    )
    return width


def _stack(boxes: Sequence[_Box], middles: Sequence[float], top: float = _MARGIN) -> float:
    """Place boxes below each other, each near its wanted middle; return where the next begins."""
    for box, middle in zip(boxes, middles, strict=True):
        box.y = max(top, middle - box.height / 2)
        top = box.y + box.height + _GAP
    return top


def _middle_of_targets(
    service: DiagramService, groups: Sequence[_Box], content: DiagramContent
) -> float:
    return _mean(
        box.middle
        for box, group in zip(groups, content.groups, strict=True)
        if any(pod.name in service.ready_pods for pod in group.pods) or selects(service, group)
    )


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _widths(content: DiagramContent) -> tuple[float, float]:
    return _NARROW if content.routes else _WIDE


def _open_boxes(columns: _Columns, content: DiagramContent) -> list[_Box]:
    """The Services that visitors reach at a node port."""
    return [
        box
        for box, service in zip(columns.services, content.services, strict=True)
        if service.node_port
    ]


def _arrows(columns: _Columns, content: DiagramContent) -> list[str]:
    start = (columns.visitors.x + columns.visitors.width, columns.visitors.middle)
    found = [_arrow(start, (box.x, box.middle), ("visitors", box.name)) for box in columns.routes]
    found += [
        _arrow(start, (box.x, box.middle), ("visitors", box.name), is_far=bool(columns.routes))
        for box in _open_boxes(columns, content)
    ]
    if not found:
        found.append(_dead_end(start, "visitors"))
    boxes = {box.name: box for box in columns.services}
    for box, route in zip(columns.routes, content.routes, strict=True):
        for number, rule in enumerate(route.rules):
            target = boxes[rule.service]
            ends = (box.x + box.width, box.anchor(number)), (target.x, target.middle)
            found.append(_arrow(*ends, (box.name, target.name), dashed=rule.is_mirror))
    for box, service in zip(columns.services, content.services, strict=True):
        found += _service_arrows(box, service, columns, content)
    return found


def _service_arrows(
    box: _Box, service: DiagramService, columns: _Columns, content: DiagramContent
) -> list[str]:
    start = (box.x + box.width, box.middle)
    found = [
        _arrow(start, (target.x + _PAD, target.anchor(number)), (box.name, line.names[0]))
        for target, group in zip(columns.groups, content.groups, strict=True)
        for number, line in enumerate(_pod_lines(group))
        if service.ready_pods & set(line.names)
    ]
    return found or [_dead_end(start, box.name)]


# Pieces of SVG


def _document(drawn: str, words: str, width: float, height: float) -> str:
    """The whole SVG; ids are made from the words, so that two diagrams in a page have their own."""
    own = hashlib.sha256(words.encode()).hexdigest()[:8]
    title, *_ = words.split("\n")
    style = (
        f"width:100%;min-width:{width * _SMALLEST_SCALE:.0f}px;"
        f"max-width:{width * _LARGEST_SCALE:.0f}px;height:auto"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" style="{style}" '
        f'aria-labelledby="title-{own} desc-{own}">'
        f'<title id="title-{own}">{_safe(title)}</title>'
        f'<desc id="desc-{own}">{_safe(words)}</desc>'
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="6" fill="{PAPER}"/>{drawn}</svg>\n'
    )


def _if_empty(content: DiagramContent, width: float) -> list[str]:
    if any(content):
        return []
    x = _MARGIN + _VISITORS + _BETWEEN
    frame = _rectangle((x, _MARGIN, width - x - _MARGIN, 76), _frame(MUTED, dashed=True))
    return [frame, _text("the cluster is empty", x + 2 * _PAD, _MARGIN + 38, _MUTED)]


def _arrow(
    start: tuple[float, float],
    end: tuple[float, float],
    names: tuple[str, str],
    *,
    dashed: bool = False,
    is_far: bool = False,
) -> str:
    """A curve from left to right; a far one turns first, and passes below other boxes."""
    (x, y), (to, at) = start, end
    tip = to - 9
    bend = x + _BETWEEN if is_far else tip
    half = (bend - x) / 2
    line = f"M{x:.1f} {y:.1f}C{x + half:.1f} {y:.1f} {bend - half:.1f} {at:.1f} {bend:.1f} {at:.1f}"
    line += f"H{tip:.1f}"
    head = f'<path d="M{to - 1:.1f} {at:.1f}l-9 -5v10z" fill="{INK}"/>'
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    source, target = map(_safe, names)
    return (
        f'<g class="{"copy" if dashed else "arrow"}" data-from="{source}" data-to="{target}">'
        f'<path d="{line}" fill="none" stroke="{INK}" stroke-width="1.6"{dash}/>{head}</g>'
    )


def _dead_end(start: tuple[float, float], name: str) -> str:
    """A broken line that ends in a cross."""
    x, y = start
    return (
        f'<g class="dead-end" data-from="{_safe(name)}">'
        f'<path d="M{x:.1f} {y:.1f}h18" fill="none" stroke="{_WARNING}" stroke-width="2" '
        'stroke-dasharray="4 4"/>'
        f'<path d="M{x + 20:.1f} {y - 6:.1f}l12 12m0 -12l-12 12" fill="none" '
        f'stroke="{_WARNING}" stroke-width="2.4"/></g>'
    )


def _rectangle(place: tuple[float, float, float, float], look: str) -> str:
    x, y, wide, high = place
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="5" {look}/>'


def _frame(stroke: str, *, fill: str = PAPER, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="5 3"' if dashed else ""
    return f'fill="{fill}" stroke="{stroke}"{dash}'


_SHAPES = {
    "o": "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
    "D": "M0 -7l7 7l-7 7l-7 -7z",
    "s": "M-5.5 -5.5h11v11h-11z",
    "^": "M0 -6l6.5 11h-13z",
    "v": "M0 6l6.5 -11h-13z",
    "P": "M-2.5 -6h5v3.5h3.5v5h-3.5v3.5h-5v-3.5h-3.5v-5h3.5z",
    "X": "M-6 -3l3 -3l3 3l3 -3l3 3l-3 3l3 3l-3 3l-3 -3l-3 3l-3 -3l3 -3z",
}
"""Of matplotlib's markers, by their names."""


def _marker(style: VersionStyle, x: float, y: float, *, filled: bool) -> str:
    fill = style.colour if filled else PAPER
    return (
        f'<path d="{_SHAPES[style.marker]}" transform="translate({x:.1f} {y:.1f})" '
        f'fill="{fill}" stroke="{style.colour}" stroke-width="1.6"/>'
    )


def _text(text: str, x: float, y: float, style: _Style) -> str:
    weight = ' font-weight="bold"' if style.bold else ""
    return (
        f'<text x="{x:.1f}" y="{y + 0.36 * style.size:.1f}" font-size="{style.size}" '
        f'font-family="{_FONT}" fill="{style.colour}"{weight}>{_safe(text)}</text>'
    )


def _titled(drawn: str, title: str, *, kind: str = "") -> str:
    """A group with a title, which a browser shows as a tooltip."""
    if not title:
        return drawn
    name = f' class="{kind}"' if kind else ""
    return f"<g{name}><title>{_safe(title)}</title>{drawn}</g>"


def _wrap(text: str, style: _Style, room: float, lines: int) -> list[str]:
    """A text on at most so many lines, broken after a hyphen or a space; the rest is cut.

    >>> _wrap("nodeapp-svc-canary-weighted", _PLAIN, 170, 2)
    ['nodeapp-svc-canary-', 'weighted']
    >>> _wrap("nodeapp-svc-canary-weighted", _PLAIN, 100, 1)
    ['nodeapp-sv…']
    """
    shown: list[str] = []
    rest = text
    while rest and len(shown) < lines - 1 and _text_width(rest, style) > room:
        fitting = _fitting(rest, style, room)
        end = max(rest.rfind(mark, 0, fitting) for mark in "- ,/") + 1 or fitting
        shown.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    if _text_width(rest, style) > room:
        rest = rest[: _fitting(rest, style, room - _text_width("…", style))] + "…"
    return [*shown, rest]


def _text_width(text: str, style: _Style) -> float:
    """The width of a text in pixels, or a little more."""
    wide = sum(_WIDTHS.get(letter, _WIDEST) for letter in text)
    return wide * style.size * (_BOLD if style.bold else 1.0)


def _fitting(text: str, style: _Style, room: float) -> int:
    """How many of the first letters have room; at least one."""
    count = len(text)
    while count > 1 and _text_width(text[:count], style) > room:
        count -= 1
    return count


def _safe(text: str) -> str:
    """A text for SVG: escaped, and without letters that XML does not allow."""
    allowed = "".join(
        letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text
    )
    return html.escape(allowed)
