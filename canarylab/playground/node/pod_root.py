"""A container's own root: its image over the programs of this machine, in a mount namespace.

Beside it, a container has processes of its own, in a PID namespace: its command is number 1, all
end with it, and none can see or reach another of this machine.

The root is an overlay: the image below, scratch memory on top. Each folder of this machine that
has programs is an overlay in it: the machine below, the image above, scratch on top. So an
absolute path is one of the image, and a write reaches neither the machine nor the image.

`container_plan` says what to mount; the program in `mount_pod_root.py` does it.
"""

from __future__ import annotations

import marshal
import os
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import cache_from_source
from typing import Any, NamedTuple

from canarylab.playground import nodejs
from canarylab.playground.node import mount_pod_root
from canarylab.playground.node.mount_pod_root import HOST_PID, Plan

SETTING = "CANARYLAB_POD_ROOT"
"""The variable that forces a way.

`root` needs root's privileges, `user` a user namespace. `user-host-pid` leaves the processes of
this machine in sight: Linux may refuse an ordinary user a `/proc` without them. `no` is none.
"""
_WAYS = ("root", "user", HOST_PID)
HOME = "/root"
_MACHINE = ("/usr", "/etc", "/opt", "/var", "/nix", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_KERNEL = {"/proc": False, "/sys": True, "/dev": True} | dict.fromkeys(
    ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"), True
)
"""What the kernel shows, and whether it is read only; a device can be written to all the same."""
_SHARED_MEMORY = "/dev/shm"
_FOLDERS = {"/tmp": "1777", HOME: "700"} | dict.fromkeys(("/run", "/srv", "/mnt", "/home/node"), "")
_NODE_USER = "node:x:0:0::/home/node:/bin/sh\n"  # all users of a container are the same one


def find_way(base: str) -> tuple[str, str]:
    """Return how a container gets its own root here, and if it does not (`no`), why.

    `base` is an empty folder.
    """
    forced = os.environ.get(SETTING)
    if forced and forced not in _WAYS:
        choice = "" if forced == "no" else f", not to {', '.join(_WAYS)} or no"
        return "no", f"{SETTING} is set to {forced}{choice}"
    reason = ""
    for way in (forced,) if forced else _WAYS if os.geteuid() == 0 else _WAYS[1:]:
        if not (reason := refusal(way, base)):
            return way, ""
    return "no", reason


def refusal(way: str, base: str) -> str:
    """Why the way does not work here, found by trying it; empty if it works."""
    planned = container_plan(base, way=way, base=base, names={"/etc/hostname": "x"}, mounts=())
    reading, writing = os.pipe()
    plan = write_plan(planned, folder="/tmp", has_ctype=True, report=writing)
    try:
        argv = program(plan, ["true"])
        ran = subprocess.run(argv, pass_fds=[writing, plan], capture_output=True, check=False)
    finally:
        os.close(plan)
        os.close(writing)
        with open(reading, encoding="utf-8") as file:
            report = read_report(file.read())
    if report.pid:
        os.waitpid(report.pid, 0)
    if ran.returncode == 0 and report.error is None:
        return ""
    said = report.error.words if report.error else ran.stderr.decode(errors="replace").strip()
    return said or "the trial was killed"


class StartError(NamedTuple):
    """What `program` could not do."""

    step: str
    """`root`, or `exec` for the command."""
    number: int
    words: str


class Report(NamedTuple):
    """What `program` wrote."""

    pid: int | None = None
    """Of the command, if that is not the process that was started, but its sibling or its child."""
    error: StartError | None = None


def read_report(text: str) -> Report:
    r"""Read a report, which ends when the command has been started.

    >>> read_report("pid\x0012\0\0exec\x002\0No such file\0")
    Report(pid=12, error=StartError(step='exec', number=2, words='No such file'))
    """
    fields = text.split("\0")
    records = list(zip(fields[:-1:3], fields[1::3], fields[2::3], strict=True))
    pids = [int(number) for step, number, _ in records if step == "pid"]
    errors = [StartError(step, int(number), words) for step, number, words in records if words]
    return Report(pids[0] if pids else None, errors[0] if errors else None)


def container_plan(
    image: str, *, way: str, base: str, names: Mapping[str, str], mounts: Iterable[Sequence[Any]]
) -> Plan:
    """Plan the root of a container: an image, and `mounts` of (source, path, is read-only).

    `names` has the text of /etc/hostname and of other files; `base` is an empty folder.
    """
    tops = [each for each in _MACHINE if os.path.isdir(each) and not os.path.islink(each)]
    links, needed = _nodejs(tops)
    links = {path: words for path, words in links.items() if not os.path.lexists(image + path)}
    overlays = {"/": [image]} | {top: [image + top, top] for top in tops}
    for name in filter(os.path.islink, _MACHINE):
        links[name], place = os.readlink(name), os.path.realpath(name)
        if os.path.isdir(image + name):
            overlays[place] = [image + name, image + place, place]
    entries = [("dir", path, mode) for path, mode in _FOLDERS.items()]
    for top in tops:
        entries += [("dir", top, ""), *_folders_to_write(image + top, top, way)]
    entries += [("file", *each) for each in {**_account_files(image), **names}.items()]
    entries += [("link", *each) for each in links.items()]
    shown = [*_KERNEL.items(), *((path, True) for path in needed)]
    binds = [(path, path, read_only) for path, read_only in shown if os.path.exists(path)]
    entries += [("dir" if os.path.isdir(each) else "file", each, "") for each, _, _ in binds]
    if os.path.isdir(_SHARED_MEMORY):
        binds.append((base + mount_pod_root.MEMORY, _SHARED_MEMORY, False))
    for source, path, read_only in sorted(mounts, key=lambda mount: str(mount[1])):
        target = mount_pod_root.resolved(
            str(path), lambda part: links.get(part) or _planned_link(part, image)
        )
        binds.append((str(source), target, bool(read_only)))
        entries.append(("dir" if os.path.isdir(source) else "file", target, ""))
    return {
        "way": way,
        "own_pids": way != HOST_PID,
        "terminal": False,
        "base": base,
        "name": names["/etc/hostname"].strip(),
        "overlays": [(path, list(filter(os.path.isdir, each))) for path, each in overlays.items()],
        "entries": [(_top(path, tops), kind, path, words) for kind, path, words in entries],
        "binds": binds,
    }


def program(plan: int, argv: Sequence[str]) -> list[str]:
    """Return the command that carries out what `write_plan` has written, and then runs `argv`."""
    source = mount_pod_root.__file__
    compiled = cache_from_source(source)
    is_new = os.path.isfile(compiled) and os.path.getmtime(compiled) >= os.path.getmtime(source)
    file = compiled if is_new else source  # the source takes twice the time
    return [sys.executable, "-I", "-S", "-E", file, str(plan), *argv]


def write_plan(plan: Plan, *, folder: str, has_ctype: bool, report: int | None = None) -> int:
    """Return the descriptor of a file in memory with the plan, to be passed to the program.

    The program runs its command in a folder of the root, and writes to the descriptor `report`,
    for `read_report`. An argument could not have all: Linux allows 128 KB.
    """
    told = {**plan, "folder": folder, "report": report, "has_ctype": has_ctype}
    descriptor = os.memfd_create("plan")
    with open(descriptor, "wb", closefd=False) as file:
        marshal.dump(told, file)
    return descriptor


def _nodejs(tops: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Links to node and npm where Docker's node image has them, and the folders they need."""
    links, needed = nodejs.installed_links(), {sys.prefix, sys.base_prefix, *nodejs.folders()}
    folders: list[str] = []
    for folder in sorted(map(os.path.abspath, needed)):
        top = _top(folder, tops)
        has_overlay = top != "/" and os.stat(top).st_dev == os.stat(folder).st_dev
        is_shown = folder in tops or has_overlay
        if not is_shown and not any(f"{folder}/".startswith(f"{each}/") for each in folders):
            folders.append(folder)
    return links, folders


def _account_files(image: str) -> dict[str, str]:
    """Files in /etc that a root needs: users with `node`, and where names are looked up."""
    texts = {}
    for path, line in (("/etc/passwd", _NODE_USER), ("/etc/group", "node:x:0:\n")):
        text = _read(image + path) or _read(path)
        texts[path] = text if "\nnode:" in text else f"{text.rstrip()}\n{line}"
    return texts | ({path: _read(path)} if os.path.islink(path := "/etc/resolv.conf") else {})


def _read(path: str) -> str:
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _top(path: str, tops: Sequence[str]) -> str:
    """The overlay that a path is part of."""
    top = "/" + path.split("/")[1]
    return top if top in tops and path != top else "/"


def is_of_machine(path: str) -> bool:
    """Whether the path is in a folder of this machine that a root shows."""
    return any(f"{path}/".startswith(f"{each}/") for each in _MACHINE)


def _planned_link(path: str, image: str) -> str | None:
    """What a path leads to in the image, or else on the machine, where the root shows it."""
    places = (image + path, path if is_of_machine(path) else "")
    return next(filter(None, map(mount_pod_root.read_link, places)), None)


def _folders_to_write(own: str, path: str, way: str) -> Iterator[tuple[str, str, str]]:
    """Folders of the machine that must be in scratch, because a user cannot copy them there.

    They are those that the image has too, and those where programs write.
    """
    if not os.access(path, os.R_OK):
        return
    for entry in os.scandir(path):
        mine, depth = f"{own}/{entry.name}", path.count("/")
        is_written = way == "user" and (depth == 1 or path in ("/usr/local", "/var/lib"))
        if entry.is_dir(follow_symlinks=False) and (is_written or os.path.isdir(mine)):
            status = os.stat(mine if os.path.isdir(mine) else entry.path)
            yield "dir", entry.path, oct(stat.S_IMODE(status.st_mode) | 0o700)[2:]
            yield from _folders_to_write(mine, entry.path, way)
