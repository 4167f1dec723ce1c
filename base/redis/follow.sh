#!/bin/sh
# follow.sh DELAY COMMAND...: runs the command at the start, and again DELAY seconds after each change of the key `token` in
# the Secret redis-password. The kubelet writes a changed Secret to the pods within about a minute and a half.
set -eu
trap exit TERM
delay=$1
shift

# The Secret may be missing for a moment.
read_secret() {
  found=
  read -r found 2>/dev/null </run/secrets/token/token || true
}

pause() {
  sleep "$1" &
  wait $!
}

read_secret
taken=$found
"$@"
while :; do
  pause 10
  read_secret
  if [ -n "$found" ] && [ "$found" != "$taken" ]; then
    pause "$delay"
    "$@" && taken=$found
  fi
done
