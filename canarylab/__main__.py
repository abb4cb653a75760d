"""The program `canarylab`, and `python -m canarylab`: the command line."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line; at Ctrl-C it ends with status 130, or by the signal.

    While modules are imported, and while the interpreter ends, there is nothing to clean up, and
    Python would print a traceback: then the signal ends the process.
    """
    handler = signal.getsignal(signal.SIGINT)
    is_ours = handler is signal.default_int_handler  # a shell may have it ignored
    if is_ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from canarylab.cli import main as run  # noqa: PLC0415  see above

    try:
        signal.signal(signal.SIGINT, handler)
        run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
