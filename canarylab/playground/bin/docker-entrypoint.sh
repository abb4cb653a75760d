#!/bin/sh
# The entrypoint of Docker's node images: node runs arguments that are no program of their own.
is_program() {
  case $1 in -*) return 1 ;; esac
  [ -n "$(command -v "$1")" ] && { [ -x "$1" ] || ! [ -f "$1" ]; }
}
is_program "$1" || set -- node "$@"
exec "$@"
