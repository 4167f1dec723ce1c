#!/bin/sh
# Takes a snapshot of Redis: a file, or with Redis Cluster a folder with a file for each primary. The snapshot gets its final
# name after a local Redis has loaded each file. Old snapshots are deleted after that, or before if the disk is full.
# shellcheck source=components/backup/objects/common.sh
. /scripts/common.sh

case ${KEEP-} in '' | 0* | *[!0-9]*) fail "KEEP is '${KEEP-}': set it to the number of snapshots to keep, 1 or more" ;; esac

# take NAME: takes a snapshot. Returns an error if another try may succeed, and otherwise ends the script.
take() {
  keys=0
  writing=
  before=$(primaries) || return
  writing=yes
  [ ! "$cluster" ] || mkdir "$1" || return
  while read -r id address _; do
    unfinished=$(at "$address" function list libraryname restore) || return
    if [ "$unfinished" ]; then
      fail "a restore did not complete, and Redis has only a part of the data: run the restore again"
    fi
    file=$1${cluster:+/$id.rdb}
    at "$address" --rdb "$file" || return
    load "$file"
    keys=$((keys + $(redis-cli dbsize)))
  done <<END
$before
END
  if [ "$(primaries)" != "$before" ]; then
    say "slots moved to another primary during the backup"
    return 1
  fi
  [ ! "$cluster" ] || { printf '%s\n' "$before" >"$1/primaries" && sync "$1/primaries" "$1"; }
}

is_full() {
  # shellcheck disable=SC2046 # splits words: the fourth is the number of free KiB
  set -- $(df -Pk . | tail -n 1)
  [ "$4" -lt 1024 ]
}

rm -rf ./*.partial # of failed backups
snapshot=$(date -u +%Y%m%dT%H%M%SZ).rdb
tries=5
until take "$snapshot.partial"; do
  if [ "$writing" ] && is_full; then
    set -- *.rdb # sorted: the oldest one is first
    [ $# -gt 1 ] || fail "the disk is full, and there is no old snapshot to delete: make the claim redis-backup larger"
    say "the disk is full: deleting $1, the oldest snapshot"
    rm -r "$1"
  else
    tries=$((tries - 1))
    [ $tries -gt 0 ] || fail "no snapshot could be taken in several tries, for the reasons above: correct them, and run the backup again"
    sleep 5
  fi
  rm -rf "$snapshot.partial"
done
mv "$snapshot.partial" "$snapshot"
sync .
echo "backup: $snapshot has $keys keys"

set -- *.rdb
while [ $# -gt "$KEEP" ]; do
  rm -r "$1"
  shift
done
echo "backup: all snapshots: $*"
publish
