"""How does a page show the way of a request, and its answer beside it?"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from canarylab.widgets.questions import Answered, Explained, going, verdict

# Both stand side by side where there is room, and one below the other where there is not.
_SIDE_BY_SIDE = "display:flex;flex-wrap:wrap;gap:4px 32px;line-height:1.5;margin:8px 0"
_COLUMN = "flex:1 1 320px;min-width:0"
# Jupyter floats the names of a list and gives them a fifth of its width.
_NAME = "float:none;width:auto;margin:0;padding:0;white-space:nowrap;font-weight:normal"
_VALUE = (
    "float:none;width:auto;margin:0;padding:0;white-space:pre-wrap;overflow-wrap:anywhere;"
    "font-family:var(--jp-code-font-family,monospace)"
)
_LIST = "display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 12px;margin:4px 0"
_BODY = 2_000  # characters of an answer that are shown

_NO_RULE = "none"
_NO_POD = "nothing: it gets no further"
_NOT_ASKED = "Not asked yet. Ask sends this request."
_NOT_SAID = "not in the answer"


def way(explained: Explained | None, answered: Answered | None) -> str:
    """What the rules say, and what came back."""
    left = _section("By the rules", _rules(explained)) if explained else ""
    right = _section("The answer", _answer(explained, answered)) if explained else ""
    return f'<div style="{_SIDE_BY_SIDE}">{left}{right}</div>'


def _rules(explained: Explained) -> str:
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in explained.reasons)
    facts = _facts(
        [
            ("Rule", explained.rule or _NO_RULE),
            ("Goes to", going(explained)),
            ("Pod is asked for", explained.path if not explained.status else _NO_POD),
        ]
    )
    why = (
        f'<div><strong>Why</strong></div><ol style="margin:4px 0;padding-left:24px">{reasons}</ol>'
    )
    return facts + why


def _answer(explained: Explained, answered: Answered | None) -> str:
    if answered is None:
        return f'<p style="margin:4px 0">{_NOT_ASKED}</p>'
    facts = _facts(
        [
            ("Status", answered.status),
            ("X-Version", answered.version or _NOT_SAID),
            ("X-Pod", answered.pod or _NOT_SAID),
            ("Body", _shortened(answered.body)),
        ]
    )
    said = escape(verdict(explained, answered))
    return f'{facts}<p style="margin:4px 0"><strong>{said}</strong></p>'


def _section(title: str, inside: str) -> str:
    heading = f'<div style="font-size:1.1em;margin:4px 0"><strong>{title}</strong></div>'
    return f'<section aria-label="{title}" style="{_COLUMN}">{heading}{inside}</section>'


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<dt style="{_NAME}">{name}</dt><dd style="{_VALUE}">{escape(value)}</dd>'
        for name, value in pairs
    )
    return f'<dl style="{_LIST}">{rows}</dl>'


def _shortened(body: str) -> str:
    body = body.strip()
    return body if len(body) <= _BODY else f"{body[:_BODY]}... ({len(body):,} characters in all)"
