#!/bin/sh
# One pod's part in making and healing the cluster; the fail-over of a primary that does not answer is Redis's own.
#
#   keep       every two seconds, whatever of the below is called for
#   ready      whether the cluster is whole, and this node a part of it
#   hand-over  lets the replica take over from this node, if it is a primary
#   begin-anew gives this node its pair's slots when both disks of the pair are lost: for a person to decide
set -u

name=$(cat /etc/hostname)
domain=redis-cluster
all=
for pair in a b c; do
  all="$all redis-cluster-$pair-0.$domain redis-cluster-$pair-1.$domain"
done
partner=${name%-*}-$((1 - ${name##*-})).$domain
REDISCLI_AUTH=$(cat /run/secrets/redis/password)
export REDISCLI_AUTH

# The slots of a pair.
slots() {
  case $1 in
    a) echo 0 5460 ;;
    b) echo 5461 10922 ;;
    c) echo 10923 16383 ;;
  esac
}

# redis HOST COMMAND...
redis() (
  host=$1
  shift
  timeout 2 redis-cli -e -h "$host" "$@"
)

# The same, for what changes something: the log says so.
change() {
  echo "$*: $(redis "$@")"
}

# What CLUSTER NODES says of this node.
myself() {
  redis localhost cluster nodes | grep myself
}

# Whether a line of CLUSTER NODES has slots, which stand after the first eight words. Only primaries have some.
has_slots() {
  # shellcheck disable=SC2086 # into words
  set -- $1
  [ $# -gt 8 ]
}

knows_all_slots() {
  redis "$1" cluster info | grep -q cluster_slots_assigned:16384
}

# Gossip tells each node where the others are, but not a new one, nor when all have got other addresses at once.
meet() {
  for other in $all; do
    address=$(getent hosts "$other") || continue
    address=${address%% *}
    case $nodes in
      *" $address:6379@"*) ;;
      *) change localhost cluster meet "$address" 6379 ;;
    esac
  done
}

# When all six answer, none of them knows who has which slots, and none has any data, there never was a cluster. What came
# to no end the first time is continued; see new.conf.
create() {
  for other in $all; do
    knows_all_slots "$other" && return
    [ "$(redis "$other" dbsize)" = 0 ] || return
  done
  for pair in a b c; do
    # shellcheck disable=SC2046 # into words
    change "redis-cluster-$pair-0.$domain" cluster addslotsrange $(slots $pair)
  done
}

# A node without slots is its partner's replica, once that has them: one that is new, or whose disk is, and one that still
# follows what its partner was before it lost its disk. If that has no slots, this one has the data and takes over: Redis
# does so by itself when a primary has failed, but not when its address has become another node's.
follow() {
  id=$(redis "$partner" cluster myid) || return
  # shellcheck disable=SC2086 # its fourth word is its primary
  set -- $me
  [ "$id" != "$4" ] || return
  if has_slots "$(echo "$nodes" | grep "^$id ")"; then
    change localhost cluster replicate "$id"
    return
  fi
  case $(echo "$nodes" | grep "^$4 ") in
    *noaddr*) [ ! -e /data/complete ] || change localhost cluster failover force ;;
  esac
}

# From when on all of the data is on its disk, a node is no new one any more; see new.conf.
admit() {
  if knows_all_slots localhost && { has_slots "$me" || is_in_sync; }; then
    redis localhost config set cluster-replica-no-failover no cluster-require-full-coverage no >/dev/null &&
      touch /data/complete
  fi
}

is_in_sync() {
  info=$(redis localhost info replication persistence)
  for line in role:slave master_link_status:up aof_rewrite_in_progress:0 aof_rewrite_scheduled:0; do
    case $info in *"$line"*) ;; *) return 1 ;; esac
  done
}

# Six nodes in good health are all there are. A further one that has failed, or has no address, was one of these before it
# lost its disk. But as long as it has slots, nobody else has them: then it stays. Only who knows of all slots can tell, for
# all the others then forget it, too.
forget() {
  healthy=$(echo "$nodes" | grep -cE '^[^ ]+ [^ ]+ (myself,)?(master|slave)(,nofailover)? ([^ ]+ ){4}connected')
  [ "$healthy" = 6 ] && knows_all_slots localhost || return
  echo "$nodes" | grep -E '^[^ ]+ [^ ]+ ([^ ]+,)?(fail|noaddr)[ ,]' | while read -r node; do
    has_slots "$node" || change localhost cluster forget "${node%% *}"
  done
}

keep() {
  trap exit TERM
  while :; do
    if nodes=$(redis localhost cluster nodes); then
      me=$(echo "$nodes" | grep myself)
      meet
      [ "$name" != redis-cluster-a-0 ] || create
      has_slots "$me" || follow
      [ -e /data/complete ] || admit
      forget
    fi
    touch /tmp/round
    sleep 2 &
    wait $!
  done
}

ready() {
  case $(redis localhost cluster info) in *cluster_state:ok*) ;; *) return 1 ;; esac
  case $(redis localhost info replication) in
    *master_link_status:up*) ;;
    *) has_slots "$(myself)" ;;
  esac
}

# Redis has stopped writing and sent its replica all it has when that takes over. For two seconds more it tells clients
# where to go: until they have asked for the nodes once again.
hand_over() {
  has_slots "$(myself)" || return 0
  redis "$partner" cluster failover || return 0
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    if ! has_slots "$(myself)"; then
      sleep 2
      return
    fi
  done
}

# What this node has heard of the lost one is forgotten, else the slots are taken. A newer epoch than any comes before
# the slots: with an older one the others tell this node that the slots are the lost one's, and it becomes its replica.
begin_anew() {
  for node in localhost "$partner"; do
    case $(redis "$node" config get cluster-replica-no-failover) in
      *yes) continue ;;
      *no) why="has all of its data, and keeps it" ;;
      *) why="does not answer, and may have all of its data" ;;
    esac
    echo "begin-anew: $node $why" >&2
    exit 1
  done
  pair=${name%-*}
  # shellcheck disable=SC2046 # into words
  redis localhost cluster reset soft &&
    redis localhost cluster bumpepoch &&
    redis localhost cluster addslotsrange $(slots "${pair##*-}") || exit
  sleep 5
  if ! has_slots "$(myself)"; then
    echo "begin-anew: the others have not agreed; once more, please" >&2
    exit 1
  fi
}

case $1 in
  keep) keep ;;
  ready) ready ;;
  hand-over) hand_over ;;
  begin-anew) begin_anew ;;
esac
