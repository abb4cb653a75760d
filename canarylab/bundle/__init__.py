"""How does a class get everything into a room without network?

One archive holds it: a plain tar, so that even the wheels that bring this command can be taken out
with `tar`. `save.py` makes one, `load.py` takes one in; what is in it is told by `manifest.py`.
"""
