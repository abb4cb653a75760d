"""The program `canarylab`, and `python -m canarylab`: the command line."""

from __future__ import annotations

import signal
import sys
import time

INTERRUPT_AGAIN_S = 0.01


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

    sys.unraisablehook = _interrupt_again
    try:
        signal.signal(signal.SIGINT, handler)
        run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt_again(ignored: sys.UnraisableHookArgs) -> None:
    """Ctrl-C in a callback of the interpreter would have no effect: it comes again, soon."""
    if ignored.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(ignored)
        return
    from canarylab import runtime  # noqa: PLC0415  rarely needed

    runtime.in_background(_interrupt_soon, name="interrupt")


def _interrupt_soon() -> None:
    time.sleep(INTERRUPT_AGAIN_S)
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
