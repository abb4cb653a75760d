"""Things to move in a notebook, and to watch what follows."""
