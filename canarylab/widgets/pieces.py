"""The parts of a page that a control board writes: status, picture, commands."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from canarylab.errors import CanaryLabError
from canarylab.stats import Share, shares
from canarylab.traffic.sample import Sample
from canarylab.traffic.text import OTHER, percent, version_label

_MOST_COMMANDS = 8
_BOX = (
    "width:100%;box-sizing:border-box;font-family:var(--jp-code-font-family,monospace);"
    "font-size:var(--jp-code-font-size,13px);color:inherit;background:transparent;resize:vertical"
)


def status(words: str) -> str:
    """A line that a screen reader reads out when it changes, without interrupting."""
    line = 'role="status" aria-live="polite" style="line-height:1.5"'
    return f"<div {line}><strong>Status:</strong> {escape(words)}</div>"


def commands(lines: Sequence[str], *, identity: str) -> str:
    """A box with the newest commands, to be copied with mouse or keyboard."""
    shown = lines[-_MOST_COMMANDS:]
    text = escape("\n".join(shown)) or "Move a control, and its command stands here."
    rows = max(2, sum(1 + line.count("\n") for line in shown))
    return (
        f'<label for="{identity}">The same in a terminal</label>'
        f'<textarea id="{identity}" readonly rows="{rows}" style="{_BOX}" spellcheck="false">'
        f"{text}</textarea>"
    )


def outcome(sample: Sample) -> str:
    """What the requests showed, in one sentence."""
    if not sample.answered:
        return f"None of {sample.total:,} requests was answered."
    said = [_said(each) for each in shares(sample) if each.name != OTHER or each.hits]
    failed = [f"{sample.failed:,} requests failed"] if sample.failed else []
    return "; ".join([*said, *failed]) + "."


def trouble(exc: BaseException) -> str:
    """What went wrong, in words; ours are sentences already."""
    words = str(exc) if isinstance(exc, CanaryLabError | ValueError) else f"{exc!r}."
    return f"This did not work. {words}"


def _said(share: Share) -> str:
    expected = "" if share.expected is None else f", expected {percent(share.expected)}"
    name = version_label(share.name).capitalize()
    return f"{name} answered {share.hits:,} of {share.total:,}, {percent(share.seen)}{expected}"
