# shellcheck shell=sh
# The common start of backup.sh and restore.sh.
set -eu
cd /backup

REDISCLI_AUTH=$(cat /run/secrets/redis/password)
export REDISCLI_AUTH

# The first process of a container ignores SIGTERM, unless it has a trap.
trap 'exit 143' TERM

say() {
  printf '%s: %s\n' "$TASK" "$*" >&2
}

fail() {
  say "$@"
  exit 1
}

# at HOST:PORT ARGUMENT...: runs redis-cli as user `backup` with a Redis of the application. Without `at`, redis-cli uses
# the local Redis of this pod, whose user `default` has the same password.
at() (
  address=$1
  shift
  redis-cli -h "${address%:*}" -p "${address##*:}" -t 5 -e --user backup "$@"
)

running() {
  at redis:6379 "$@"
}

# load FILE [SETTING...]: starts a local Redis with the data of the file, in place of the previous one. Fails if the file is
# damaged.
server=
load() {
  rdb=$1
  shift
  [ -f "$rdb" ] || fail "$rdb is missing, so the snapshot is incomplete: take or restore another snapshot"
  if [ "$server" ]; then
    redis-cli shutdown nosave || :
    wait "$server" || :
  fi
  redis-server - <<CONF &
dir $(dirname "/backup/$rdb")
dbfilename $(basename "$rdb")
save ""
loglevel warning
repl-diskless-sync-delay 0
requirepass $REDISCLI_AUTH
$(printf '%s\n' "$@")
CONF
  server=$!
  until redis-cli -e dbsize >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || fail "$rdb is damaged: Redis cannot load it. Take or restore another snapshot"
    sleep 1
  done
}

# view HOST:PORT: prints the primaries of the cluster as this node knows them, one on each line: id, address, epoch, slots
view() {
  at "$1" cluster nodes |
    sed -n 's/^\([^ ]*\) \([^@]*\)@[^ ]* [^ ]* - [^ ]* [^ ]* \([^ ]*\) [^ ]* \(.*\)/\1 \2 \3 \4/p' | sort
}

# Prints the same, if all primaries answer, agree, and together have all slots. The epoch of a primary changes when it takes
# over slots from another one.
primaries() {
  if [ ! "$cluster" ]; then
    echo "single redis:6379 0 0-16383"
    return
  fi
  primaries=$(view redis:6379)
  count=0
  while read -r _ address _ slots && [ "$address" ]; do
    seen=$(view "$address")
    if [ ! "$seen" ]; then
      say "the primary at $address does not answer"
      return 1
    elif [ "$seen" != "$primaries" ]; then
      say "the primary at $address and the other nodes do not agree about the owners of the slots"
      return 1
    fi
    for range in $slots; do
      case $range in '['*) continue ;; esac # a slot that is moving
      count=$((count + ${range#*-} - ${range%-*} + 1))
    done
  done <<END
$primaries
END
  if [ $count != 16384 ]; then
    say "the primaries have $count of 16384 slots"
    return 1
  fi
  if [ "$(printf '%s\n' "$primaries" | cut -d ' ' -f 3 | sort | uniq -d)" ]; then
    say "two primaries still have the same epoch, since the cluster is new"
    return 1
  fi
  printf '%s\n' "$primaries"
}

# Writes the time and the size of the newest snapshot to Redis, for the exporter of components/monitoring. The snapshot is good
# without them, so an error, such as a full memory, is only logged.
publish() {
  set -- *.rdb # sorted: the newest one is last
  for snapshot; do :; done
  if ! running -c set backup:newest:time "$(date -r "$snapshot" +%s)" >/dev/null ||
    ! running -c set backup:newest:bytes $(($(du -sk "$snapshot" | cut -f 1) * 1024)) >/dev/null; then
    say "Redis rejected the time or the size of $snapshot, so an alert may call it missing; the snapshot itself is good"
  fi
}

until running ping >/dev/null; do sleep 1; done
case $(running info cluster) in
  *cluster_enabled:1*) cluster=yes ;;
  *) cluster= ;;
esac
