"""How does Kubernetes write a length of time?"""

from __future__ import annotations


def in_words(seconds: float) -> str:
    """As Go writes a duration of whole seconds.

    >>> in_words(10), in_words(80), in_words(300)
    ('10s', '1m20s', '5m0s')
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
