"""The program that mounts a container's root and becomes its command, as `pod_root` plans it.

It must start fast, so nothing heavy is imported at its top, and nothing of the package.
https://docs.kernel.org/filesystems/overlayfs.html
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import sys

TYPE_CHECKING = False  # importing it takes half as long as Python's own start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

Plan = dict[str, "Any"]
MEMORY = "/memory"  # in `base`: what is mounted at /dev/shm
HOST_PID = "user-host-pid"
"""The way of a container that has no processes of its own, as a pod with `hostPID: true`."""
_NEW_MOUNTS, _NEW_USER, _NEW_NAME = 0x20000, 0x10000000, 0x4000000  # CLONE_NEWNS, -USER, -UTS
_NEW_PIDS, _SAME_PARENT, _CLONE3 = 0x20000000, 0x8000, 435  # CLONE_NEWPID, CLONE_PARENT
_SIGNAL_AT_PARENTS_END, _KILL, _TAKE_TERMINAL = 1, 9, 0x540E  # PR_SET_PDEATHSIG, TIOCSCTTY
_BIND, _RECURSIVE, _PRIVATE, _DETACH = 4096, 16384, 1 << 18, 2  # MS_*, MNT_DETACH
_NO_SETUID, _NO_DEVICES, _NO_PROGRAMS = 2, 4, 8  # MS_NOSUID, -NODEV, -NOEXEC
_MOUNT_SETATTR, _AT_CWD, _AT_RECURSIVE, _READ_ONLY = 442, -100, 0x8000, 1
_MOST_PARTS = 1000  # of a path; links may be a circle
_RESET = (1, 2, 3, 13, 25)
"""Signals that a command would inherit as ignored: HUP from nohup, INT and QUIT from a shell's
background job, PIPE and XFSZ from Python."""
_NOT_IGNORED = (9, 17, 19)  # KILL, CHLD, STOP
_CANNOT_START = 127
libc = ctypes.CDLL(None, use_errno=True)


def main(plan: Plan, argv: Sequence[str]) -> None:
    """Make or enter a root and become the command; report the step that failed."""
    report: int = plan["report"]
    os.set_inheritable(report, False)
    try:
        if pid := plan.get("pid"):
            _enter(pid, report)
        else:
            unshare(plan)
            if plan["own_pids"]:
                _go_on_as_first_process(report)
            mount_all(plan)
            os.chdir(f"{plan['base']}/root")
            _check(libc.pivot_root(b".", b"."), "pivot_root")
            _check(libc.umount2(b".", _DETACH), "umount2")
        become(plan, argv)
    except OSError as error:
        step = "root" if error.filename else "exec"
        words = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        os.write(report, f"{step}\0{error.errno}\0{words}\0".encode())
        os._exit(_CANNOT_START)


def _go_on_as_first_process(report: int) -> None:
    """Report the id of a copy of this process, which goes on as number 1 of its namespace; end.

    The copy has the parent of this process, as in runc:
    https://github.com/opencontainers/runc/blob/main/libcontainer/nsenter/README.md
    """
    arguments = (ctypes.c_uint64 * 8)(_SAME_PARENT)
    # A PyDLL, because the copy must come back with Python's lock.
    clone3 = ctypes.PyDLL(None, use_errno=True).syscall
    pid: int = clone3(_CLONE3, arguments, ctypes.c_size_t(ctypes.sizeof(arguments)))
    _check(min(pid, 0), "clone3")
    if pid:
        os.write(report, f"pid\0{pid}\0\0".encode())
        os._exit(0)
    os.setsid()


def become(plan: Plan, argv: Sequence[str]) -> None:
    """Run the command in its folder, instead of this program, which leads its session."""
    if not plan.get("pid"):
        os.chdir("/")
        os.makedirs(plan["folder"], exist_ok=True)
    os.chdir(plan["folder"])
    for number in _RESET:
        libc.signal(number, None)
    if plan["terminal"]:
        _check(libc.ioctl(0, _TAKE_TERMINAL, 0), "terminal")
    if not plan["has_ctype"]:
        os.environ.pop("LC_CTYPE", None)  # Python sets it in the locale C
    try:
        os.execvp(argv[0], list(argv))
    except OSError as error:
        raise OSError(error.errno, error.strerror) from None  # the name is no path
    except ValueError:  # the name is empty
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT)) from None


def unshare(plan: Plan) -> None:
    """Leave the namespaces of this machine; own processes begin with the next child."""
    is_user, ids = plan["way"] != "root", (os.geteuid(), os.getegid())
    new = _NEW_MOUNTS | _NEW_NAME | _NEW_USER * is_user | _NEW_PIDS * plan["own_pids"]
    _check(libc.unshare(new), "unshare")
    if is_user:
        texts = ("deny", f"0 {ids[0]} 1", f"0 {ids[1]} 1")
        for name, text in zip(("setgroups", "uid_map", "gid_map"), texts, strict=True):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _check(libc.sethostname(plan["name"].encode(), len(plan["name"].encode())), "sethostname")


def mount_all(plan: Plan) -> None:
    """Mount everything in the folder `root` of `base`."""
    base = plan["base"]
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", base, "tmpfs", 0, "mode=755")
    os.mkdir(f"{base}/root")
    _make_entry(base + MEMORY, "dir", "1777")
    for top, kind, path, words in plan["entries"]:
        _make_entry(scratch(base, top) + path.removeprefix(top.rstrip("/")), kind, words)
    for path, lowers in plan["overlays"]:
        _overlay(plan, path, lowers)
    root = f"{base}/root"
    for source, path, read_only in plan["binds"]:
        # What is mounted already may have links, which mean other paths outside of the root.
        target = resolved(path, lambda part: read_link(root + part))
        if target == "/":
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), path)
        if source == "/proc" and plan["own_pids"]:
            _mount("proc", root + target, "proc", _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS)
        else:
            _bind(source, root + target, read_only=read_only)


def _overlay(plan: Plan, path: str, lowers: Sequence[str]) -> None:
    """Mount an overlay at a path of the root.

    A user's namespace may not take apart the machine's mounts, so a folder with one below cannot be
    part of an overlay there (EINVAL): what is in it is mounted one by one, to be read only.
    """
    base, target = plan["base"], f"{plan['base']}/root{path.rstrip('/')}"
    upper = scratch(base, path)
    options = "" if plan["way"] == "root" else ",userxattr"
    try:
        _mount_overlay(target, lowers, upper, options)
    except OSError as error:
        if error.errno != errno.EINVAL or lowers[-1] != path or path == "/":
            raise
        above = [upper, *lowers[:-1]]
        _mount_overlay(target, lowers[:-1] or [scratch(base, "empty")], upper, options)
        for entry in os.scandir(path):
            mine = [f"{each}/{entry.name}" for each in above]
            if entry.is_symlink() and not os.path.lexists(f"{target}/{entry.name}"):
                os.symlink(os.readlink(entry.path), f"{target}/{entry.name}")
            elif entry.is_dir() and any(map(os.path.isdir, mine)):
                _overlay(plan, entry.path, [*filter(os.path.isdir, mine), entry.path])
            elif not any(map(os.path.lexists, mine)):
                _bind(entry.path, f"{target}/{entry.name}", read_only=True)


def _mount_overlay(target: str, lowers: Iterable[str], upper: str, more: str) -> None:
    def escaped(path: str) -> str:
        return "".join(f"\\{each}" if each in "\\:," else each for each in path)

    lower = ":".join(map(escaped, lowers))
    work = escaped(os.path.dirname(upper) + "/work")
    options = f"lowerdir={lower},upperdir={escaped(upper)},workdir={work}{more}"
    _mount("overlay", target, "overlay", 0, options)


def scratch(base: str, path: str) -> str:
    """The upper folder of the overlay at a path, with an empty folder beside it."""
    folder = f"{base}/{path.replace('/', '%')}"
    for name in ("work", "upper"):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
    return f"{folder}/upper"


def _make_entry(path: str, kind: str, words: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if kind == "link":
        os.symlink(words, path)
    elif kind == "file":
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(words)
    else:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, int(words or "755", 8))


def _bind(source: str, target: str, *, read_only: bool) -> None:
    if not os.path.lexists(target):
        _make_entry(target, "dir" if os.path.isdir(source) else "file", "")
    _mount(source, target, None, _BIND | _RECURSIVE)
    if read_only:
        change = (ctypes.c_uint64 * 4)(_READ_ONLY, 0, 0, 0)
        where = (_AT_CWD, os.fsencode(target), _AT_RECURSIVE)
        _check(libc.syscall(_MOUNT_SETATTR, *where, change, ctypes.c_size_t(32)), target)


def _enter(pid: int, report: int) -> None:
    """Join the namespaces of a container's process."""
    for name in ("user", "uts", "pid", "mnt"):
        theirs = f"/proc/{pid}/ns/{name}"
        if os.readlink(theirs) != os.readlink(f"/proc/self/ns/{name}"):
            descriptor = os.open(theirs, os.O_RDONLY)
            _check(libc.setns(descriptor, 0), theirs)
            os.close(descriptor)
            if name == "pid":
                _go_on_as_child(report)


def _go_on_as_child(report: int) -> None:
    """Go on as a child, in the namespace of processes that was joined; the parent ends like it.

    To end early, kill the child, whose id is reported: a namespace ends when all of it is reaped,
    and without its parent the child would be left to process 1 of this machine, which may not reap.
    """
    if child := os.fork():
        os.write(report, f"pid\0{child}\0\0".encode())
        os.close(report)
        for number in range(1, 32):
            if number not in _NOT_IGNORED:
                libc.signal(number, ctypes.c_void_p(1))  # SIG_IGN: it is for the child
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)
    die_with_parent()
    os.setsid()  # a signal to its group spares the parent, and a shell can give the terminal back


def die_with_parent() -> None:
    """Let the system kill this process when its parent has ended."""
    libc.prctl(_SIGNAL_AT_PARENTS_END, _KILL)


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    words = [None if each is None else os.fsencode(each) for each in (source, target, kind)]
    data = None if options is None else os.fsencode(options)
    _check(libc.mount(*words, ctypes.c_ulong(flags), data), target)


def _check(result: int, about: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), about)


def read_link(path: str) -> str | None:
    """What a path leads to, if it is a link."""
    return os.readlink(path) if os.path.islink(path) else None


def resolved(path: str, read_link: Callable[[str], str | None]) -> str:
    """Follow the links of a path as in a root; `read_link` returns what a path of it leads to."""
    done, left = "", path.split("/")
    for _ in range(_MOST_PARTS):
        if not left:
            return done or "/"
        step = f"{done}/{left[0]}" if left[0] not in ("", ".", "..") else done
        step = os.path.dirname(done) if left.pop(0) == ".." else step
        if (link := read_link(step)) is None:
            done = step
        else:
            done, left = "" if link.startswith("/") else done, link.split("/") + left
    return path


def read_plan(descriptor: str) -> Plan:
    """Read the plan that `pod_root.write_plan` has written, and close the file."""
    with open(int(descriptor), "rb") as file:
        file.seek(0)
        plan: Plan = marshal.load(file)
    return plan


if __name__ == "__main__":
    main(read_plan(sys.argv[1]), sys.argv[2:])
