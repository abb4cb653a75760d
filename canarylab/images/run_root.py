"""RUN lines in a root of their own, so that their writes become the image's and reach nothing else.

It is the root of a container (`playground/node/pod_root.py`). The working folder of the image is
written in place; what a line writes elsewhere is copied into the image afterwards. npm finds the
settings of this machine and the packages in its cache, and changes neither.

Where the kernel allows no such root, `outside_write` finds the lines that would change the machine.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from stat import S_ISCHR, S_ISDIR
from tempfile import TemporaryDirectory

from canarylab.errors import explain
from canarylab.playground.images import copy_file, map_paths
from canarylab.playground.node import mount_pod_root, pod_root
from canarylab.playground.node.mount_pod_root import Plan

NPM_CACHE = "/run/npm-cache"
NOT_KEPT = "what the line wrote cannot be kept"
"""So begins the last line of output if it could not be copied into the image."""
_NPMRC = "/usr/local/etc/npmrc"  # npm's global one, with the prefix /usr/local
_OF_THE_MACHINE = ("HOME", "USER", "LOGNAME", "TMPDIR")
_NPM_FILES = ("npm_config_cache", "npm_config_userconfig", "npm_config_globalconfig")
_CERTIFICATES = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")
_NAMES = {"/etc/hostname": "build\n", "/etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost\n"}
_CANNOT_START = 127
_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER

_ALL_ARGUMENTS = frozenset(
    {"mkdir", "touch", "mv", "ln", "rm", "rmdir", "chmod", "chown", "chgrp", "tee", "truncate"}
)
_LAST_ARGUMENT = ("cp", "install")
_SYSTEM = frozenset(
    {"apt", "apt-get", "apk", "adduser", "useradd", "groupadd", "addgroup", "usermod", "corepack"}
)
_SETTINGS = re.compile(r"\b(?:npm|yarn|pnpm) (?:config set|set|cache clean|cache rm|login)\b")
_SEPARATORS = frozenset({";", "&&", "||", "|", "&", "(", ")"})
_REDIRECTIONS = (">", ">>", ">|")


@cache
def find_way(setting: str | None) -> str:
    """Return how a RUN line gets a root here, or `no`; `setting` is that of `pod_root.SETTING`."""
    with TemporaryDirectory() as base:
        return pod_root.find_way(base)[0]


def environment(machine: Mapping[str, str], own: Mapping[str, str], path: str) -> dict[str, str]:
    """Return the environment of a line: its own over that of the machine, without its files.

    >>> environment({"HOME": "/machine", "LANG": "C"}, {"A": "1"}, "/bin")["HOME"]
    '/root'
    """
    hidden = {*_OF_THE_MACHINE, *_NPM_FILES}
    passed_on = {name: value for name, value in machine.items() if name not in hidden}
    npm = {"npm_config_prefix": "/usr/local", "npm_config_cache": NPM_CACHE}
    return {**passed_on, "HOME": pod_root.HOME, **npm, **own, "PATH": path}


def command(
    argv: Sequence[str], tree: Path, folder: str, machine: Mapping[str, str], base: str
) -> tuple[list[str], int]:
    """Return the command that runs `argv` in a folder of the tree's root, and a file for it."""
    planned = _plan(str(tree), folder, machine, base)
    plan = pod_root.write_plan(planned, folder=folder, has_ctype="LC_CTYPE" in machine)
    return [
        sys.executable,
        "-I",
        "-c",
        f"from {__name__} import main; main()",
        str(plan),
        *argv,
    ], plan


def outside_write(argv: Sequence[str], tree: Path) -> str | None:
    """Return the words of a RUN line that would change this machine, or None.

    A path that the tree has is one of the tree.

    >>> outside_write(["/bin/sh", "-c", "npm ci && mkdir -p /data/cache"], Path("/nowhere"))
    'mkdir -p /data/cache'
    >>> outside_write(["/bin/sh", "-c", "cp a b > /dev/null && rm -rf ~/.npm"], Path("/nowhere"))
    'rm -rf ~/.npm'
    """
    text = argv[-1] if "-c" in argv[:-1] else shlex.join(argv)
    if found := _SETTINGS.search(text):
        return found[0]
    return next((" ".join(each) for each in _commands(text) if _is_outside(each, tree)), None)


def _commands(text: str) -> Iterator[list[str]]:
    words = shlex.shlex(text, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    part: list[str] = []
    with suppress(ValueError):  # a quote without its end: the shell will say so
        for word in words:
            if word in _SEPARATORS:
                yield part
                part = []
            else:
                part.append(word)
    yield part


def _is_outside(words: list[str], tree: Path) -> bool:
    targets = [words[at + 1] for at, word in enumerate(words[:-1]) if word in _REDIRECTIONS]
    program, *arguments = [each for each in words if "=" not in each.split("/")[0]] or [""]
    if program in _SYSTEM:
        return True
    arguments = [each for each in arguments if not each.startswith("-")]
    targets += arguments if program in _ALL_ARGUMENTS else []
    targets += arguments[-1:] if program in _LAST_ARGUMENT else []
    outside = [each for each in targets if each.startswith(("/", "~", "$HOME"))]
    own = [each for each in outside if map_paths(each, tree) != each]
    return any(not each.startswith("/dev/") and each not in own for each in outside)


def _plan(tree: str, folder: str, machine: Mapping[str, str], base: str) -> Plan:
    way = find_way(os.environ.get(pod_root.SETTING))
    certificates = [each for name in _CERTIFICATES if os.path.exists(each := machine.get(name, ""))]  # noqa: PTH110
    mounts: list[tuple[str, str, bool]] = [(each, each, True) for each in certificates]
    is_shown = pod_root.is_of_machine(folder) and Path(folder).is_dir()
    if folder != "/" and not is_shown:
        Path(tree + folder).mkdir(parents=True, exist_ok=True)
        mounts.append((tree + folder, folder, False))
    names = {**_NAMES, _NPMRC: _npm_settings(machine)}
    plan = pod_root.container_plan(tree, way=way, base=base, names=names, mounts=mounts)
    entries = [*plan["entries"], ("/", "dir", NPM_CACHE, "")]
    new = {part for _, _, path, _ in entries for part in _parents(path)}
    npm_cache = Path(machine.get("npm_config_cache") or Path(machine.get("HOME", "/"), ".npm"))
    overlays = [*plan["overlays"], *([(NPM_CACHE, [str(npm_cache)])] if npm_cache.is_dir() else [])]
    return {
        **plan,
        "tree": tree,
        "entries": entries,
        "overlays": overlays,
        "new": sorted((each for each in new if not Path(tree + each).exists()), reverse=True),
    }


def _npm_settings(machine: Mapping[str, str]) -> str:
    """The settings of this machine's npm: the global ones beside its node, then the user's."""
    node = shutil.which("node", path=machine.get("PATH"))
    beside_node = Path(node).resolve().parents[1] / "etc" / "npmrc" if node else ""
    files = [
        machine.get("npm_config_globalconfig", beside_node),
        machine.get("npm_config_userconfig", Path(machine.get("HOME", "/"), ".npmrc")),
    ]
    return "".join(f"{Path(each).read_text()}\n" for each in files if each and Path(each).is_file())


def _parents(path: str) -> list[str]:
    return [str(each) for each in (Path(path), *Path(path).parents) if each != Path("/")]


def main() -> None:
    """Run a command in the root of a tree, keep what it wrote, and end like it."""
    plan, argv = mount_pod_root.read_plan(sys.argv[1]), sys.argv[2:]
    mount_pod_root.unshare(plan)
    mount_pod_root.die_with_parent()  # after it: with other privileges the system forgets this
    mount_pod_root.libc.prctl(_SET_CHILD_SUBREAPER, 1)
    if (child := os.fork()) == 0:
        os.setsid()  # its group is its own, for `kill 0`
        mount_pod_root.die_with_parent()
        try:
            mount_pod_root.mount_all(plan)
            os.chroot(f"{plan['base']}/root")
            mount_pod_root.become(plan, argv)
        except OSError as error:
            os.write(2, f"{error.filename or argv[0]}: {error.strerror}".encode())
        os._exit(_CANNOT_START)
    _, status = os.waitpid(child, 0)
    if not plan["own_pids"]:
        _end_children()
    if status == 0:
        try:
            _keep_changes(plan)
        except OSError as error:
            sys.exit(f"\n{NOT_KEPT}: {explain(error)}")
    sys.exit(os.waitstatus_to_exitcode(status) % 256)


def _end_children() -> None:
    """Kill what the line left running, in whatever session: its parent is this process now."""
    with suppress(ChildProcessError):
        while True:
            for stat_file in Path("/proc").glob("[0-9]*/stat"):
                with suppress(OSError):  # it has ended
                    parent = stat_file.read_text(errors="replace").rpartition(")")[2].split()[1]
                    if parent == str(os.getpid()):
                        os.kill(int(stat_file.parent.name), signal.SIGKILL)
            os.waitpid(-1, 0)


def _keep_changes(plan: Plan) -> None:
    for top, kind, path, words in plan["entries"]:
        made = Path(mount_pod_root.scratch(plan["base"], top) + path.removeprefix(top.rstrip("/")))
        if kind != "dir" and _is_as_made(made, words):
            made.unlink()
    for path, _ in plan["overlays"]:
        if path != NPM_CACHE:
            upper = Path(mount_pod_root.scratch(plan["base"], path))
            _copy_changes(upper, Path(plan["tree"] + path))
    for path in plan["new"]:
        with suppress(OSError):  # it is not empty, or it was never made
            Path(plan["tree"] + path).rmdir()


def _is_as_made(file: Path, words: str) -> bool:
    if file.is_symlink():
        return str(file.readlink()) == words
    return file.is_file() and file.read_bytes() == words.encode(errors="surrogateescape")


def _copy_changes(upper: Path, own: Path) -> None:
    def deleted(folder: str, names: list[str]) -> list[str]:
        """Remove from the tree what was replaced or deleted; return what is not to be copied."""
        found = {name: Path(folder, name).lstat() for name in names}
        for name, status in found.items():
            mine, is_folder = own / Path(folder, name).relative_to(upper), S_ISDIR(status.st_mode)
            if mine.is_symlink() or not mine.is_dir():
                mine.unlink(missing_ok=True)
            elif not is_folder or _replaces(f"{folder}/{name}"):
                shutil.rmtree(mine)
        # A device without a number stands for a deletion.
        return [name for name, each in found.items() if S_ISCHR(each.st_mode) and not each.st_rdev]

    shutil.copytree(
        upper, own, symlinks=True, ignore=deleted, dirs_exist_ok=True, copy_function=copy_file
    )


def _replaces(folder: str) -> bool:
    """Whether a folder replaces the one below it, and is not merged with it."""
    names = ("trusted.overlay.opaque", "user.overlay.opaque")
    return any(os.getxattr(folder, each) == b"y" for each in os.listxattr(folder) if each in names)
