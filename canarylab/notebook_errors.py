"""One short message instead of a long traceback, for the mistakes that learners make in a cell.

`Lab()` sets it up for the IPython shell that runs it; importing canarylab changes nothing. `%tb`
shows the whole traceback of the last error. An error in code of the learner's own keeps its
traceback.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from types import FrameType, TracebackType
from typing import Any

import kubernetes
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError
from urllib3.exceptions import HTTPError

from canarylab.errors import CanaryLabError, explain
from canarylab.release.connection import advice_for, kubectl_words
from canarylab.text import did_you_mean

UNFINISHED = "Nothing yet: your line goes in place of the three dots."
FULL_TRACEBACK = "(%tb shows the whole traceback.)"

LISTED_NAMES = 40
_NAMES_OF_IPYTHON = {"In", "Out", "exit", "get_ipython", "open", "quit"}

_UNKNOWN_NAME = (
    "A text needs quotes; a variable is set by a cell above: run the cells from the heading of the "
    "section."
)
_NOT_YET = "not yet"  # the words of a checkpoint
_NO_EVIDENCE = (
    "is not there, because the cell that sets it has failed or was not run. Correct that cell, run "
    "it, and then run this one."
)
_PACKAGES = {"canarylab", "kubernetes", "pydantic"}  # the client checks its arguments with pydantic
_CLIENTS = {"AppsV1Api": "lab.apps", "CoreV1Api": "lab.core", "NetworkingV1Api": "lab.networking"}
_METHOD = re.compile(r"^(\w+)\.(\w+)\(\)")


def show_short_messages(*owners: type) -> None:
    """In an IPython shell, show mistakes in the use of canarylab and of the client in one message.

    `owners` are the classes whose methods a learner calls: a message names the form of a method.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        return
    methods = {owner.__name__: owner for owner in owners}

    def show(
        shell: Any, kind: type, error: BaseException, traceback: TracebackType, **options: Any
    ) -> None:
        try:
            message = short_message(error, traceback, methods)
        except Exception:  # noqa: BLE001  IPython would drop this function for good
            message = None
        shown: Any = error
        if message is None or isinstance(error, CanaryLabError):
            shell.showtraceback((kind, error, traceback), **options)
            return
        name = "" if message.startswith(_NOT_YET) else f"{kind.__name__}: "
        shown._render_traceback_ = lambda: [f"{name}{message} {FULL_TRACEBACK}"]
        try:
            shell.showtraceback((kind, error, traceback), **options)
        finally:
            del shown._render_traceback_  # so that %tb shows the whole

    shell.set_custom_exc((Exception, KeyboardInterrupt), show)
    html = shell.display_formatter.formatters["text/html"]
    html.for_type(type(...), lambda _: f"<p>{UNFINISHED}</p>")
    plain_text = shell.display_formatter.formatters["text/plain"]
    plain_text.singleton_printers[id(...)] = lambda _, printer, _cycle: printer.text(UNFINISHED)


def short_message(
    error: BaseException, traceback: TracebackType | None, methods: dict[str, type]
) -> str | None:
    """What to show of an error; None if its traceback should be shown."""
    match error:
        case ApiException() | DynamicApiError():
            message: str | None = f"{kubectl_words(error.body, error.reason)}."
        case HTTPError():
            message = f"The cluster does not answer. {advice_for(error)}"
        case NameError() if name := _missing_evidence(error, traceback):
            message = f"{_NOT_YET}: {name} {_NO_EVIDENCE}"
        case NameError():
            message = f"{_sentence(error)} {_similar_name(error, traceback)}{_UNKNOWN_NAME}"
        case AttributeError() if not _passes_through(traceback):
            message = _unknown_name(error)
        case TypeError() if form := _form_of(str(error), methods):
            message = f"{_sentence(error)} Call it as {form}."
        case ValueError() | TypeError() | OSError() | KeyboardInterrupt() if _passes_through(
            traceback
        ):
            message = _explained(error)
        case _:
            message = None
    return message


def _explained(error: BaseException) -> str | None:
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted. What the cell had changed by then stays as it is."
    return explain(error) if isinstance(error, OSError) else _sentence(error)


def _unknown_name(error: AttributeError) -> str | None:
    owner = type(error.obj)
    if owner.__module__.partition(".")[0] not in _PACKAGES or error.name is None:
        return None
    article = "An" if owner.__name__.startswith("A") else "A"
    problem = f"{article} {owner.__name__} has nothing called {error.name}."
    if owner.__name__ in _CLIENTS:
        for name, place in _CLIENTS.items():
            if hasattr(getattr(kubernetes.client, name), error.name):
                return f"{problem} {name} has it: {place}.{error.name}."
    names = [name for name in dir(error.obj) if not name.startswith("_")]
    close = get_close_matches(error.name, names, n=3, cutoff=0.7)
    hint = f"It has: {', '.join(names)}."
    if close:
        hint = f"Did you mean {' or '.join(close)}?"
    elif len(names) > LISTED_NAMES:
        hint = "Press Tab after the dot for a list."
    return f"{problem} {hint}"


def _missing_evidence(error: NameError, traceback: TracebackType | None) -> str:
    """The name that a checkpoint needs and no cell has set; empty for any other mistake."""
    frame = _innermost(traceback)
    if frame is None or "check" not in frame.f_code.co_names or error.name == "check":
        return ""
    if _similar_name(error, traceback):
        return ""
    checking = frame.f_globals.get("check")
    return error.name or "" if getattr(checking, "__module__", "") == "canarylab.checks" else ""


def _innermost(traceback: TracebackType | None) -> FrameType | None:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return None if traceback is None else traceback.tb_frame


def _similar_name(error: NameError, traceback: TracebackType | None) -> str:
    """The variable or function that a misspelt name is close to, as a question."""
    frame = _innermost(traceback)
    known = {} if frame is None else frame.f_globals
    own = [
        name
        for name in known
        if len(name) > 1 and not name.startswith("_") and name not in _NAMES_OF_IPYTHON
    ]
    return did_you_mean(error.name or "", [*own, "None", "True", "False"])


def _form_of(message: str, methods: dict[str, type]) -> str | None:
    """How the method in a message is called: `lab.scale(name, replicas)`."""
    found = _METHOD.match(message)
    method: Callable[..., object] | None = None
    if found and found[1] in methods:
        method = getattr(methods[found[1]], found[2], None)
    if found is None or method is None:
        return None
    parameters = list(inspect.signature(method).parameters.values())[1:]
    called = found[1] if found[2] == "__init__" else f"{found[1].lower()}.{found[2]}"
    return f"{called}({', '.join(map(_shown, parameters))})"


def _shown(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    name, default = parameter.name, parameter.default
    return name if default is parameter.empty else f"{name}={default!r}"


def _sentence(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    if type(error).__module__.startswith("pydantic"):
        problems: dict[str, str] = {}
        for each in getattr(error, "errors", list)():
            place = each["loc"][0]
            name = f"argument {place}" if isinstance(place, int) else str(place)
            problems.setdefault(name, f"{name}: {each['msg']}")
        text = "; ".join(problems.values())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _passes_through(traceback: TracebackType | None) -> bool:
    """Whether code of canarylab or of the client ran when the error was raised."""
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__"))
        if module.partition(".")[0] in _PACKAGES:
            return True
        traceback = traceback.tb_next
    return False
