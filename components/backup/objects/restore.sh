#!/bin/sh
# Gives Redis the data of a snapshot for its own: it becomes the replica of a Redis of this pod's own that has loaded
# it, takes all of it at once, and goes on alone. Meanwhile it refuses to write, which the service answers with 503.
# shellcheck source=components/backup/objects/common.sh
. /scripts/common.sh

set -- *.rdb # sorted, and so the newest last
snapshot=${SNAPSHOT:-$(printf '%s\n' "$@" | tail -n 1)}
[ -f "$snapshot" ] || fail "there is no snapshot $snapshot: there are $*"

# says LINE…: is all of this in what Redis says about itself?
says() {
  info=$(running info replication persistence | tr -d '\r')
  for line; do
    printf '%s\n' "$info" | grep -qxF "$line" || return 1
  done
}

# Ends the replication, but not before all that Redis holds by then is in its append-only file: until that is written
# anew, the old one would be read at a restart, and what was acknowledged in between would be lost.
leave() {
  until says aof_enabled:1 aof_rewrite_in_progress:0 aof_rewrite_scheduled:0; do sleep 1; done
  running replicaof no one
}

load "$snapshot"
echo "restore: $snapshot with $(redis-cli dbsize) keys, in place of the $(running dbsize) that Redis has"
running -x config set masterauth <$password
trap leave EXIT
running replicaof "$POD_IP" 6379
until says master_link_status:up && [ "$(running dbsize)" = "$(redis-cli dbsize)" ]; do
  if says role:master; then
    fail "Redis has started anew meanwhile: restore once more"
  fi
  sleep 1
done
trap - EXIT
leave
echo "restore: Redis has the data of $snapshot, and counts on from there"
