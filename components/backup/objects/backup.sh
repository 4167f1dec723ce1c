#!/bin/sh
# Takes a snapshot of Redis. It gets its name when a Redis of this pod's own has loaded it, and only then do old ones go.
# shellcheck source=components/backup/objects/common.sh
. /scripts/common.sh

case ${KEEP-} in '' | 0* | *[!0-9]*) fail "KEEP is '${KEEP-}': make it the number of snapshots to keep, 1 or more" ;; esac

rm -f ./*.partial # of a backup that failed
snapshot=$(date -u +%Y%m%dT%H%M%SZ).rdb
running --rdb "$snapshot.partial"
load "$snapshot.partial"
mv "$snapshot.partial" "$snapshot"
sync .
echo "backup: $snapshot has $(redis-cli dbsize) keys"

set -- *.rdb # sorted, and so the oldest first
while [ $# -gt "$KEEP" ]; do
  rm "$1"
  shift
done
echo "backup: there are $*"
