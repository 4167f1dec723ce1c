# shellcheck shell=sh
# What backup.sh and restore.sh begin with.
set -eu
cd /backup

password=/run/secrets/redis/password
REDISCLI_AUTH=$(cat $password)
export REDISCLI_AUTH

# A container's first process ends by no signal that it does not trap.
trap 'exit 143' TERM

fail() {
  printf '%s: %s\n' "$TASK" "$*" >&2
  exit 1
}

# The application's Redis; redis-cli alone asks this pod's own.
running() {
  redis-cli -h redis -t 5 -e "$@"
}

# load SNAPSHOT: into a Redis of this pod's own, which refuses a damaged one.
load() {
  redis-server - <<CONF &
dir /backup
dbfilename $1
save ""
loglevel warning
repl-diskless-sync-delay 0
requirepass $REDISCLI_AUTH
CONF
  until redis-cli -e dbsize >/dev/null 2>&1; do
    kill -0 $! 2>/dev/null || fail "$1 is damaged: no Redis loads it"
    sleep 1
  done
}

until running ping; do sleep 1; done
