"""HTML and sentences that all widgets share: status line, commands, the result of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from canarylab.errors import CanaryLabError
from canarylab.stats import Share, shares
from canarylab.text import OTHER, percent, version_label
from canarylab.traffic.sample import Sample

_MOST_COMMANDS = 8
_TEXTAREA = (
    "width:100%;box-sizing:border-box;font-family:var(--jp-code-font-family,monospace);"
    "font-size:var(--jp-code-font-size,13px);color:inherit;background:transparent;resize:vertical"
)


def status_html(text: str) -> str:
    """A line that a screen reader announces when it changes, without interrupting."""
    line = 'role="status" aria-live="polite" style="line-height:1.5"'
    return f"<div {line}><strong>Status:</strong> {escape(text)}</div>"


def commands_html(commands: Sequence[str], *, identity: str) -> str:
    """A box with the newest commands, to be copied with mouse or keyboard."""
    shown = commands[-_MOST_COMMANDS:]
    text = escape("\n".join(shown)) or "Move a control, and its command stands here."
    rows = max(2, sum(1 + command.count("\n") for command in shown))
    return (
        f'<label for="{identity}">The same in a terminal</label>'
        f'<textarea id="{identity}" readonly rows="{rows}" style="{_TEXTAREA}" spellcheck="false">'
        f"{text}</textarea>"
    )


def sample_sentence(sample: Sample) -> str:
    """The share of each version, in one sentence."""
    if not sample.answered:
        return f"None of {sample.total:,} requests was answered."
    parts = [_share_text(each) for each in shares(sample) if each.name != OTHER or each.hits]
    failed = [f"{sample.failed:,} requests failed"] if sample.failed else []
    return "; ".join([*parts, *failed]) + "."


def error_sentence(exc: BaseException) -> str:
    """What went wrong; errors of canarylab are sentences already."""
    text = str(exc) if isinstance(exc, CanaryLabError | ValueError) else f"{exc!r}."
    return f"This did not work. {text}"


def _share_text(share: Share) -> str:
    expected = "" if share.expected is None else f", expected {percent(share.expected)}"
    name = version_label(share.name).capitalize()
    return f"{name} answered {share.hits:,} of {share.total:,}, {percent(share.observed)}{expected}"
