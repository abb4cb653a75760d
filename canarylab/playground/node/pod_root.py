"""A container's own root: its image over the programs of this machine, in a mount namespace.

The root is an overlay: the image below, scratch memory on top. Each folder of this machine that
has programs is an overlay in it: the machine below, the image above, scratch on top. So an
absolute path is one of the image, and a write reaches neither the machine nor the image.

`container_plan` says what to mount; the same file, run as a program, does it and becomes the
command. That program must start fast, so nothing heavy is imported at its top.
https://docs.kernel.org/filesystems/overlayfs.html
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import stat
import sys

TYPE_CHECKING = False  # importing it takes half as long as Python's own start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

Plan = dict[str, "Any"]
SETTING = "CANARYLAB_POD_ROOT"
"""The variable that forces a way: `root`, `user` (a user namespace) or `no`."""
HOME = "/root"
_MACHINE = ("/usr", "/etc", "/opt", "/var", "/nix", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_KERNEL = {"/proc": False, "/sys": True, "/dev": True} | dict.fromkeys(
    ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"), True
)
"""What the kernel shows, and whether it is read only; a device can be written to all the same."""
_SHARED_MEMORY, _MEMORY = "/dev/shm", "/memory"  # the second in `base`
_FOLDERS = {"/tmp": "1777", HOME: "700"} | dict.fromkeys(("/run", "/srv", "/mnt", "/home/node"), "")
_NODE_USER = "node:x:0:0::/home/node:/bin/sh\n"  # all users of a container are the same one
_NEW_MOUNTS, _NEW_USER, _NEW_NAME = 0x20000, 0x10000000, 0x4000000  # CLONE_NEWNS, -USER, -UTS
_BIND, _RECURSIVE, _PRIVATE, _DETACH = 4096, 16384, 1 << 18, 2  # MS_*, MNT_DETACH
_MOUNT_SETATTR, _AT_CWD, _AT_RECURSIVE, _READ_ONLY = 442, -100, 0x8000, 1
_MOST_PARTS = 1000  # of a path; links may be a circle
_RESET = (1, 2, 3, 13, 25)
"""Signals that a command would inherit as ignored: HUP from nohup, INT and QUIT from a shell's
background job, PIPE and XFSZ from Python."""
_CANNOT_START = 127
libc = ctypes.CDLL(None, use_errno=True)


def find_way(base: str) -> tuple[str, str]:
    """Return how a container gets its own root here, and if it does not (`no`), why.

    `root` needs root's privileges, `user` a user namespace. `base` is an empty folder.
    """
    forced = os.environ.get(SETTING)
    if forced == "no":
        return "no", f"{SETTING} is set to no"
    reason = ""
    for way in (forced,) if forced else ("root", "user") if os.geteuid() == 0 else ("user",):
        if not (reason := refusal(way, base)):
            return way, ""
    return "no", reason


def refusal(way: str, base: str) -> str:
    """Why the way does not work here, found by trying it; empty if it works."""
    import subprocess  # noqa: PLC0415  heavy

    reading, writing = os.pipe()
    try:
        plan = container_plan(base, way=way, base=base, names={"/etc/hostname": "x"}, mounts=())
        argv = program(plan, ["true"], folder="/tmp", report=writing, has_ctype=True)
        ran = subprocess.run(argv, pass_fds=[writing], capture_output=True, check=False)
    finally:
        os.close(writing)
        with open(reading, encoding="utf-8") as report:
            words = report.read().split("\0")
    if ran.returncode == 0:
        return ""
    return words[-1] or ran.stderr.decode(errors="replace").strip() or "the trial was killed"


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
        binds.append((base + _MEMORY, _SHARED_MEMORY, False))
    for source, path, read_only in sorted(mounts, key=lambda mount: str(mount[1])):
        target = _resolved(str(path), lambda part: links.get(part) or _planned_link(part, image))
        binds.append((str(source), target, bool(read_only)))
        entries.append(("dir" if os.path.isdir(source) else "file", target, ""))
    return {
        "way": way,
        "base": base,
        "name": names["/etc/hostname"].strip(),
        "overlays": [(path, list(filter(os.path.isdir, each))) for path, each in overlays.items()],
        "entries": [(_top(path, tops), kind, path, words) for kind, path, words in entries],
        "binds": binds,
    }


def program(
    plan: Plan, argv: Sequence[str], *, folder: str, report: int, has_ctype: bool
) -> list[str]:
    """Return the command that carries out a plan and then runs `argv` in a folder of the root."""
    told = {**plan, "folder": folder, "report": report, "has_ctype": has_ctype}
    compiled = __spec__.cached or ""  # half the time that the source takes
    is_new = os.path.isfile(compiled) and os.path.getmtime(compiled) >= os.path.getmtime(__file__)
    file = compiled if is_new else __file__
    return [sys.executable, "-I", "-S", "-E", file, marshal.dumps(told).hex(), *argv]


def _nodejs(tops: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Links to node and npm where Docker's node image has them, and the folders they need."""
    from canarylab.playground import nodejs  # noqa: PLC0415  not for the program

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


def _resolved(path: str, read_link: Callable[[str], str | None]) -> str:
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


def _planned_link(path: str, image: str) -> str | None:
    """What a path leads to in the image, or else on the machine, where the root shows it."""
    places = (image + path, path if is_of_machine(path) else "")
    return next(filter(None, map(_read_link, places)), None)


def _read_link(path: str) -> str | None:
    return os.readlink(path) if os.path.islink(path) else None


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


# What follows is the program.


def main(plan: Plan, argv: Sequence[str]) -> None:
    """Make or enter a root and become the command; report the step that failed."""
    report: int = plan["report"]
    os.set_inheritable(report, False)
    try:
        if pid := plan.get("pid"):
            _enter(pid)
        else:
            mount_all(plan)
            os.chdir(f"{plan['base']}/root")
            _check(libc.pivot_root(b".", b"."), "pivot_root")
            _check(libc.umount2(b".", _DETACH), "umount2")
        become(plan, argv)
    except OSError as error:
        step = "root" if error.filename else "exec"
        words = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        os.write(report, f"{step}\0{error.errno}\0{words}".encode())
        os._exit(_CANNOT_START)


def become(plan: Plan, argv: Sequence[str]) -> None:
    """Run the command in its folder, instead of this program."""
    if not plan.get("pid"):
        os.chdir("/")
        os.makedirs(plan["folder"], exist_ok=True)
    os.chdir(plan["folder"])
    for number in _RESET:
        libc.signal(number, None)
    if not plan["has_ctype"]:
        os.environ.pop("LC_CTYPE", None)  # Python sets it in the locale C
    try:
        os.execvp(argv[0], list(argv))
    except OSError as error:
        raise OSError(error.errno, error.strerror) from None  # the name is no path


def mount_all(plan: Plan) -> None:
    """Unshare the namespaces and mount everything in the folder `root` of `base`."""
    base, is_user, ids = plan["base"], plan["way"] == "user", (os.geteuid(), os.getegid())
    _check(libc.unshare(_NEW_MOUNTS | _NEW_NAME | _NEW_USER * is_user), "unshare")
    if is_user:
        texts = ("deny", f"0 {ids[0]} 1", f"0 {ids[1]} 1")
        for name, text in zip(("setgroups", "uid_map", "gid_map"), texts, strict=True):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _check(libc.sethostname(plan["name"].encode(), len(plan["name"].encode())), "sethostname")
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", base, "tmpfs", 0, "mode=755")
    os.mkdir(f"{base}/root")
    _make_entry(base + _MEMORY, "dir", "1777")
    for top, kind, path, words in plan["entries"]:
        _make_entry(scratch(base, top) + path.removeprefix(top.rstrip("/")), kind, words)
    for path, lowers in plan["overlays"]:
        _overlay(plan, path, lowers)
    root = f"{base}/root"
    for source, path, read_only in plan["binds"]:
        # What is mounted already may have links, which mean other paths outside of the root.
        target = _resolved(path, lambda part: _read_link(root + part))
        if target == "/":
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), path)
        _bind(source, root + target, read_only=read_only)


def _overlay(plan: Plan, path: str, lowers: Sequence[str]) -> None:
    """Mount an overlay at a path of the root.

    A user's namespace may not take apart the machine's mounts, so a folder with one below cannot be
    part of an overlay there (EINVAL): what is in it is mounted one by one, to be read only.
    """
    base, target = plan["base"], f"{plan['base']}/root{path.rstrip('/')}"
    upper = scratch(base, path)
    options = ",userxattr" if plan["way"] == "user" else ""
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


def _enter(pid: int) -> None:
    """Join the namespaces of a container's process."""
    for name in ("user", "uts", "mnt"):
        theirs = f"/proc/{pid}/ns/{name}"
        if os.readlink(theirs) != os.readlink(f"/proc/self/ns/{name}"):
            descriptor = os.open(theirs, os.O_RDONLY)
            _check(libc.setns(descriptor, 0), theirs)
            os.close(descriptor)


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


if __name__ == "__main__":
    main(marshal.loads(bytes.fromhex(sys.argv[1])), sys.argv[2:])
