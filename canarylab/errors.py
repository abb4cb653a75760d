"""The errors that canarylab raises, as one tree.

CanaryLabError
├── SetupError          something cannot run on this machine
│   ├── PortInUseError      another program listens there
│   ├── ToolMissingError    docker, kind or kubectl is not installed
│   └── EngineError         no Docker engine answers, and why
├── SampleFileError     a file or folder holds no sample
├── ManifestError       a file is not what Kubernetes can read
├── DockerfileError     a line of a Dockerfile that the builder does not know
├── BuildError          a step of an image build failed
│   └── CommandFailedError  a RUN line ended with another exit status than 0
├── ImageNameError      no image can have this name
├── ToolFailedError     docker, kind or kubectl ended with an error
├── TrafficError        nothing answers at a URL
├── ClusterError        a running cluster did not do what was requested
│   ├── TimedOutError       it did not do it in time
│   ├── IngressAddressError no Ingress reports an address
│   └── ApiRefusedError     the API server refused a request
│       └── GatewayApiMissingError  the cluster has no Gateway API
├── CheckpointError     a lesson's checkpoint does not hold
└── ApiError            inside the playground: its API refuses a request
    ├── NotFoundError
    ├── AlreadyExistsError
    ├── ConflictError       the object has changed meanwhile: read again and retry
    ├── ApplyConflictError  a field to apply has another manager and another value
    ├── InvalidError        an object that breaks a rule, with every cause
    ├── BadRequestError     a request that cannot be understood
    ├── ForbiddenError      a request that is understood and not allowed
    ├── StatusError         a request refused before its object is read; code and reason vary
    └── GoneError           the requested resourceVersion is too old

A message has two sentences: what happened, then what to try. The messages of `ApiError` are
the exception: they are Kubernetes' own, word for word, because kubectl shows them.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

EngineProblem = Literal["not installed", "not running", "no permission"]

_MAKE_ROOM = "Make room on that disk, and try again."
_MAKE_WRITABLE = "Make the place writable, or name another."
_END_OTHERS = "End other programs, or allow this one more with `ulimit`, and try again."
_REMEDIES: Mapping[int | None, str] = MappingProxyType(
    {
        errno.ENOSPC: _MAKE_ROOM,
        errno.EDQUOT: _MAKE_ROOM,
        errno.EROFS: _MAKE_WRITABLE,
        errno.EACCES: _MAKE_WRITABLE,
        errno.EPERM: _MAKE_WRITABLE,
        errno.EMFILE: "Allow more open files with `ulimit -n 4096`, and try again.",
        errno.ENFILE: _END_OTHERS,
        errno.ENOMEM: _END_OTHERS,
        errno.EAGAIN: _END_OTHERS,
    }
)
_SHORTAGES = re.compile(  # as words in an ImportError of a compiled module, or of a thread
    "Too many open files|Cannot allocate memory|failed to map segment|can't start new thread"
)
LAST_LINES_ADVICE = "The last lines of its output are above. Correct the problem and run it again."


class CanaryLabError(Exception):
    """Base of the tree."""

    def _render_traceback_(self) -> list[str]:
        """A notebook shows the message alone, without the traceback."""
        return [f"{type(self).__name__}: {self}"]


class SetupError(CanaryLabError):
    """Something cannot run on this machine."""


class PortInUseError(SetupError):
    """Another program listens on this port."""

    def __init__(self, address: str, port: int, *, holder: str | None, remedy: str) -> None:
        self.address, self.port, self.holder = address, port, holder
        super().__init__(
            f"Port {port} on {address} is in use by {holder or 'another program'}. {remedy}"
        )


class ToolMissingError(SetupError):
    """A program that is needed is not installed."""

    def __init__(self, tool: str, remedy: str) -> None:
        self.tool = tool
        super().__init__(f"{tool} is needed and is not on PATH. {remedy}")


class EngineError(SetupError):
    """No Docker engine answers; `why` names the reason."""

    def __init__(self, why: EngineProblem, problem: str, remedy: str) -> None:
        self.why, self.problem, self.remedy = why, problem, remedy
        super().__init__(f"{problem}. {remedy}")


class SampleFileError(CanaryLabError):
    """A file or folder that should hold exported samples holds none."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        self.path = path
        super().__init__(f"{path} {problem}. {remedy}")


class ManifestError(CanaryLabError):
    """A file is not what Kubernetes can read."""


class DockerfileError(CanaryLabError):
    """A line of a Dockerfile that the builder does not know."""

    def __init__(self, path: str, line: int, problem: str, remedy: str) -> None:
        self.path, self.line = path, line
        super().__init__(f"{path}, line {line}: {problem}. {remedy}")


class BuildError(CanaryLabError):
    """A step of an image build failed."""


class CommandFailedError(BuildError):
    """A RUN line ended with another exit status than 0; `output` holds its last lines."""

    def __init__(
        self,
        where: str,
        command: str,
        *,
        status: int,
        output: str,
        advice: str = LAST_LINES_ADVICE,
    ) -> None:
        self.where, self.command, self.status, self.output = where, command, status, output
        super().__init__(
            f"{output}\n{where}: `{command}` ended with exit status {status}. {advice}"
        )


class ImageNameError(CanaryLabError):
    """No image can have this name."""

    def __init__(self, reference: str) -> None:
        self.reference = reference
        super().__init__(
            f'"{reference}" cannot be the name of an image. Write a name in lower case and a '
            "tag, as in node_app:1.0."
        )


class ToolFailedError(CanaryLabError):
    """A program ended with an error; `output` holds its last lines."""

    def __init__(self, command: list[str], *, status: int | None, output: str) -> None:
        self.command, self.status, self.output = command, status, output
        ended = "was ended" if status is None else f"ended with exit status {status}"
        super().__init__(f"{output}\n`{' '.join(command)}` {ended}. {LAST_LINES_ADVICE}")


class TrafficError(CanaryLabError):
    """Nothing answers at a URL."""


class ClusterError(CanaryLabError):
    """A running cluster did not do what was requested."""


class TimedOutError(ClusterError):
    """The cluster did not do it in time."""


class IngressAddressError(ClusterError):
    """No Ingress reports an address, so it is not known where to send requests."""


class ApiRefusedError(ClusterError):
    """The API server refused a request; `reply` holds its words, unshortened.

    >>> missing = 'Error from server (NotFound): services "web" not found'
    >>> print(ApiRefusedError('Service "web"', missing, "Look at the Services."))
    The cluster has no Service "web".
    Error from server (NotFound): services "web" not found
    Look at the Services.
    """

    def __init__(self, what: str, reply: str, remedy: str) -> None:
        self.what, self.reply = what, reply
        name = what.partition(" ")[2]  # of `Deployment "web"`; the reply may miss something else
        is_missing = name.startswith('"') and self.is_not_found and f"{name} not found" in reply
        verb = "has no" if is_missing else "refused"
        super().__init__(f"The cluster {verb} {what}.\n{reply}\n{remedy}")

    @property
    def is_not_found(self) -> bool:
        """Whether the object is missing.

        >>> ApiRefusedError("pod a", "Error from server (NotFound): pods ...", "").is_not_found
        True
        """
        return "(NotFound)" in self.reply


class GatewayApiMissingError(ApiRefusedError):
    """The cluster has no Gateway API, so it knows no HTTPRoute."""


class CheckpointError(CanaryLabError):
    """A checkpoint does not hold, with `CANARYLAB_STRICT=1`."""

    def __init__(self, statement: str, why: str) -> None:
        self.statement = statement
        super().__init__(f'"{statement}" does not hold yet: {why}')


class Cause(NamedTuple):
    """One reason why an object was refused."""

    reason: str
    """`FieldValueInvalid`, `FieldValueRequired`, ..."""
    field: str
    """`spec.template.spec.containers[0].name`"""
    message: str
    """The text after `field: `."""


class ApiError(CanaryLabError):
    """The playground's API refuses a request, with a Status."""

    code = 500
    reason = ""


class NotFoundError(ApiError):
    """No such object, or no such path."""

    code, reason = 404, "NotFound"

    def __init__(self, resource: str, group: str, name: str) -> None:
        self.resource, self.group, self.name = resource, group, name
        qualified = f"{resource}.{group}" if group else resource
        super().__init__(f'{qualified} "{name}" not found')


class AlreadyExistsError(ApiError):
    """An object of this name is there already."""

    code, reason = 409, "AlreadyExists"

    def __init__(self, resource: str, group: str, name: str) -> None:
        self.resource, self.group, self.name = resource, group, name
        qualified = f"{resource}.{group}" if group else resource
        super().__init__(f'{qualified} "{name}" already exists')


class ConflictError(ApiError):
    """The object has changed meanwhile: read again and retry."""

    code, reason = 409, "Conflict"

    def __init__(self, resource: str, group: str, name: str, why: str | None = None) -> None:
        self.resource, self.group, self.name = resource, group, name
        qualified = f"{resource}.{group}" if group else resource
        super().__init__(
            f'Operation cannot be fulfilled on {qualified} "{name}": '
            + (
                why
                or "the object has been modified; please apply your changes to the latest version "
                "and try again"
            )
        )


class ApplyConflictError(ApiError):
    """Fields of an apply configuration have other values and other managers: one cause each."""

    code, reason = 409, "Conflict"

    def __init__(self, message: str, causes: list[Cause]) -> None:
        self.causes = causes
        super().__init__(message)


class InvalidError(ApiError):
    """An object that breaks a rule. `kind` and `group` name its kind, `causes` every reason."""

    code, reason = 422, "Invalid"

    def __init__(self, kind: str, group: str, name: str, causes: list[Cause]) -> None:
        self.kind, self.group, self.name, self.causes = kind, group, name, causes
        qualified = f"{kind}.{group}" if group else kind
        problems = [f"{cause.field}: {cause.message}" for cause in causes]
        listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        super().__init__(f'{qualified} "{name}" is invalid: {listed}')


class BadRequestError(ApiError):
    """A request that cannot be understood."""

    code, reason = 400, "BadRequest"


class ForbiddenError(ApiError):
    """A request that is understood and not allowed to anybody."""

    code, reason = 403, "Forbidden"

    def __init__(
        self, resource: str, group: str, name: str, why: str, causes: tuple[Cause, ...] = ()
    ) -> None:
        self.resource, self.group, self.name, self.causes = resource, group, name, causes
        qualified = f"{resource}.{group}" if group else resource
        named = f'{qualified} "{name}"' if name else qualified
        super().__init__(f"{named} is forbidden: {why}")


class StatusError(ApiError):
    """A request refused for another reason than its object; it has its own code and reason."""

    def __init__(
        self, code: int, reason: str, message: str, causes: tuple[Cause, ...] = ()
    ) -> None:
        self.code, self.reason, self.causes = code, reason, causes
        super().__init__(message)


class GoneError(ApiError):
    """The requested resourceVersion is too old: its events are no longer kept.

    `token` continues a list with the objects as they are now.
    """

    code, reason = 410, "Expired"

    def __init__(self, message: str, *, token: str | None = None) -> None:
        self.token = token
        super().__init__(message)


def explain(error: BaseException) -> str | None:
    """What a command says instead of a traceback; None for a fault of canarylab itself.

    >>> explain(OSError(errno.ENOSPC, "No space left on device", "a.png"))
    'No space left on device: a.png. Make room on that disk, and try again.'
    """
    match error:
        case BaseExceptionGroup():
            return next(filter(None, map(explain, error.exceptions)), None)
        case CanaryLabError() | ValueError():
            return str(error)
        case OSError():
            file = error.filename2 or error.filename  # of two, the second is to be written
            place = f": {file}" if file else ""
            remedy = _REMEDIES.get(error_number(error), "Correct that, and try again.")
            return f"{reason(error)}{place}. {remedy}"
        case MemoryError():
            return f"There is not enough memory. {_END_OTHERS}"
        case ImportError() | RuntimeError() if found := _SHORTAGES.search(str(error)):
            return f"{found[0][0].upper()}{found[0][1:]}. {_END_OTHERS}"
    return None


def reason(error: OSError) -> str:
    """The system's words, without the path: "No space left on device".

    >>> reason(shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")]))
    'No space left on device'
    >>> reason(shutil.Error([("a", "b", "a is a named pipe"), ("c", "d", "another")]))
    'a is a named pipe'
    """
    number = error_number(error)
    return error.strerror or (os.strerror(number) if number else _words(error) or "unknown error")


def error_number(error: OSError) -> int | None:
    """Its errno; that of the first file, if `shutil.copytree` has collected one for each."""
    if not isinstance(error, shutil.Error):
        return error.errno
    found = re.search(r"\[Errno (\d+)\]", _words(error))
    return int(found[1]) if found else None


def _words(error: OSError) -> str:
    """Its text; that of the first file, if `shutil.copytree` has collected one for each."""
    match error.args:
        case ([(_, _, str() as first), *_],):
            return first
    return str(error)
