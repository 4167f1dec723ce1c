#!/bin/sh
# Replaces the data of Redis by a snapshot.
# shellcheck source=components/backup/objects/common.sh
. /scripts/common.sh

set -- *.rdb # sorted: the newest one is last
[ -e "$1" ] || fail "there is no snapshot on the claim redis-backup, and nothing was changed: take a snapshot before you restore one"
snapshot=${SNAPSHOT:-$(printf '%s\n' "$@" | tail -n 1)}
[ -e "$snapshot" ] || fail "there is no snapshot $snapshot: set SNAPSHOT to one of $*"

# says LINE…: succeeds if INFO of Redis contains each of these lines
says() {
  info=$(running info replication persistence | tr -d '\r')
  for line; do
    printf '%s\n' "$info" | grep -qxF "$line" || return 1
  done
}

# Ends the replication after the append-only file contains all data of Redis. Before this rewrite is complete, Redis would
# read the old file at a restart, and lose the increments acknowledged in between.
leave() {
  until says aof_enabled:1 aof_rewrite_in_progress:0 aof_rewrite_scheduled:0; do sleep 1; done
  running replicaof no one >/dev/null
}

# By this mark the service recognizes the data. Redis keeps its mark, whatever the snapshot has. The service writes `lost:`
# before the mark if Redis has none, because its disk is new.
data_key='service:data'
data=
[ "$cluster" ] || data=$(running get "$data_key")
data=${data#lost:}

# Makes Redis a replica of the local Redis, which has loaded the snapshot. Redis gets all of it at once, and then becomes
# a primary again. Until then Redis rejects writes, and the service answers 503. The backend may read Redis's settings, so
# they get a password that is good for this restore only.
replicate() {
  once=$(head -c 32 /dev/urandom | sha256sum | cut -d ' ' -f 1)
  load "$snapshot" "user replica on >$once +psync +replconf +ping"
  echo "restore: $snapshot with $(redis-cli dbsize) keys replaces the $(running dbsize) keys of Redis"
  [ ! "$data" ] || redis-cli set "$data_key" "$data" >/dev/null
  printf %s "$once" | running -x config set masteruser replica masterauth >/dev/null
  trap leave EXIT
  running replicaof "$POD_IP" 6379 >/dev/null
  until says master_link_status:up && [ "$(running dbsize)" = "$(redis-cli dbsize)" ]; do
    if says role:master; then
      fail "Redis restarted during the restore: run the restore again"
    fi
    sleep 1
  done
  trap - EXIT
  leave
}

# Prints the files of the snapshot.
files() {
  if [ -d "$snapshot" ]; then
    while read -r id _; do echo "$snapshot/$id.rdb"; done <"$snapshot/primaries"
  else
    echo "$snapshot"
  fi
}

# Adds a function to each primary, and waits until the function and all earlier writes are on the disks of the primary and
# its replica. The function shows an incomplete restore to backup.sh: functions are in no slot, and FLUSHALL keeps them.
mark() {
  for address in $addresses; do
    answer=$(printf '%s\n' \
      'function load replace "#!lua name=restore\nredis.register_function(\"restore\", function() end)"' \
      "waitaof 1 $replicas 0" | at "$address") || :
    case $answer in
      restore*[1-9]*[0-9]) ;;
      *) fail "the primary at $address did not confirm the writes to disk: run the restore again. The answer was: $answer" ;;
    esac
  done
}

# Prints the commands that copy all keys, one command for each slot.
copies() {
  while read -r _ address _ slots; do
    for range in $slots; do
      for slot in $(seq "${range%-*}" "${range#*-}"); do
        echo "evalsha $script 0 ${address%:*} ${address##*:} $slot \"$REDISCLI_AUTH\""
      done
    done
  done <<END
$before
END
}

# Copies each key to the Redis that has its slot now. Replication is not possible, since a node of a cluster cannot be a
# replica of the local Redis, and one Redis cannot be a replica of several. Until all keys are copied, the backend cannot
# log in, and the service answers 503.
copy() {
  files=$(files)
  keys=0
  for file in $files; do
    load "$file"
    keys=$((keys + $(redis-cli dbsize)))
  done

  before=
  for _ in 1 2 3 4 5; do
    before=$(primaries) && break
    sleep 5
  done
  [ "$before" ] || fail "a restore needs every primary, and one is missing for the reasons above: run the restore again when all pods of Redis are ready"
  addresses=$(printf '%s\n' "$before" | cut -d ' ' -f 2)
  old=0
  for address in $addresses; do
    old=$((old + $(at "$address" dbsize)))
  done
  for node in $nodes; do
    case $(at "$node" info replication) in
      *role:master* | *master_link_status:up*) ;;
      *) fail "the node at $node does not answer, or is not in sync with its primary: run the restore again when all pods of Redis are ready" ;;
    esac
  done
  echo "restore: $snapshot with $keys keys replaces the $old keys of Redis"

  for node in $nodes; do
    at "$node" acl setuser backend off >/dev/null
    at "$node" client kill user backend >/dev/null
  done
  mark
  for address in $addresses; do
    at "$address" flushall >/dev/null
  done
  for file in $files; do
    rm -f /tmp/nodes.conf
    load "$file" 'cluster-enabled yes' 'cluster-config-file /tmp/nodes.conf' 'cluster-require-full-coverage no'
    [ "$(redis-cli dbsize)" != 0 ] || continue
    until redis-cli cluster info | grep -q cluster_state:ok; do sleep 1; done
    script=$(redis-cli script load "$(cat /scripts/copy.lua)")
    error=$(copies | redis-cli | grep -m 1 .) || :
    [ "$(redis-cli dbsize)" = 0 ] || fail "$file could not be copied, and Redis has only a part of the data: remove the cause, and run the restore again. The error was: $error"
  done
  mark

  for address in $addresses; do
    case $(at "$address" acl list) in
      *'user backend off '*) ;;
      *) fail "Redis restarted during the restore: run the restore again" ;;
    esac
  done
  [ "$(primaries)" = "$before" ] || fail "slots moved to another primary during the restore: run the restore again"
  for address in $addresses; do
    at "$address" function delete restore >/dev/null
  done
}

nodes=redis:6379
replicas=0
if [ "$cluster" ]; then
  nodes=$(running cluster nodes | sed 's/^[^ ]* \([^@]*\)@.*/\1/')
  replicas=1
fi
if [ -f "$snapshot" ] && [ ! "$cluster" ]; then
  replicate
else
  copy
fi
[ ! "$data" ] || running set "$data_key" "$data" >/dev/null
# Lets the backend log in again, also after an earlier restore that did not complete.
for node in $nodes; do
  at "$node" acl setuser backend on >/dev/null
done
echo "restore: complete, Redis has the data of $snapshot"
publish
