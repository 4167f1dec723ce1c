#!/bin/sh
# The part of each pod in creating and repairing the cluster. Redis itself replaces a failed primary by its replica.
#
#   keep       creates and repairs the cluster, every two seconds
#   ready      succeeds if the cluster works, and this node is part of it
#   hand-over  hands over to the replica, if this node is a primary
#   begin-anew gives the slots of its pair to this node after the loss of both disks; only a person may run this
set -u

read -r name </etc/hostname
domain=redis-cluster
all=
for pair in a b c; do
  all="$all redis-cluster-$pair-0.$domain redis-cluster-$pair-1.$domain"
done
partner=${name%-*}-$((1 - ${name##*-})).$domain
read -r REDISCLI_AUTH </run/secrets/redis/password
export REDISCLI_AUTH

# slots PAIR: prints the first and the last slot of a pair
slots() {
  case $1 in
    a) echo 0 5460 ;;
    b) echo 5461 10922 ;;
    c) echo 10923 16383 ;;
  esac
}

# redis HOST COMMAND...: without a command, it reads commands from the standard input
redis() {
  timeout 2 redis-cli -e -h "$@"
}

# change HOST COMMAND...: like redis, for a command that changes something; logs the command and the answer
change() {
  changed=yes
  echo "$*: $(redis "$@")"
}

# Prints the line of CLUSTER NODES for this node.
myself() {
  redis localhost cluster nodes | grep myself
}

# has_slots LINE: succeeds if this line of CLUSTER NODES has slots, after its first eight words. Only primaries have slots.
has_slots() {
  # shellcheck disable=SC2086 # splits words
  set -- $1
  [ $# -gt 8 ]
}

knows_all_slots() {
  redis "$1" cluster info | grep -q cluster_slots_assigned:16384
}

# Nodes get each other's addresses by gossip, except for a new node, and when the addresses of all nodes change at once.
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

# Creates the cluster, if all six nodes answer, no node knows the owners of all slots, and no node has data: then there
# never was a cluster. Continues an incomplete creation, see new.conf.
create() {
  for other in $all; do
    knows_all_slots "$other" && return
    [ "$(redis "$other" dbsize)" = 0 ] || return
  done
  for pair in a b c; do
    # shellcheck disable=SC2046 # splits words
    change "redis-cluster-$pair-0.$domain" cluster addslotsrange $(slots $pair)
  done
}

# Makes this node, which has no slots, a replica of its partner, if the partner has slots. This is necessary for a new node,
# for a node with a new disk, and for a node that follows the former ID of a partner with a new disk. If such a partner has
# no slots, this node has the data, and takes over. Redis does this itself when a primary fails, but not when another node
# gets the address of the primary.
follow() {
  id=$(redis "$partner" cluster myid) || return
  # shellcheck disable=SC2086 # splits words: the fourth is the primary of this node
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

# Removes the restrictions of new.conf when all data is on the disk of this node.
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

# Removes a failed node from the cluster, if there are six healthy nodes: then the failed one, which may have no address, is
# one of the six before it lost its disk. A failed node with slots stays, since no other node has these slots. Only a node
# that knows the owners of all slots may remove another one, because all other nodes then remove it, too.
forget() {
  [ "$healthy" = 6 ] && knows_all_slots localhost || return
  [ "$known" != 6 ] || whole=yes
  echo "$nodes" | grep -E '^[^ ]+ [^ ]+ ([^ ]+,)?(fail|noaddr)[ ,]' | while read -r node; do
    has_slots "$node" || change localhost cluster forget "${node%% *}"
  done
}

# Takes over a new password. Every node has masterauth, since every node may become a replica.
authenticate() {
  read -r password </run/secrets/redis/password
  [ "$password" != "$REDISCLI_AUTH" ] || return
  REDISCLI_AUTH=$password
  echo "config set masterauth $password" | redis localhost >/dev/null
}

# Reads the lines of CLUSTER NODES: the line of this node, the number of known and of healthy nodes, and a summary of all
# that lasts, without the times and epochs. It starts no process, since it runs in every round.
read_nodes() {
  me='' known=0 healthy=0 summary=''
  while read -r id address flags primary _ _ _ link slots; do
    known=$((known + 1))
    case $flags in *myself*) me="$id $address $flags $primary 0 0 0 $link $slots" ;; esac
    case ${flags#myself,}:$link in
      master:connected | master,nofailover:connected | slave:connected | slave,nofailover:connected)
        healthy=$((healthy + 1))
        ;;
    esac
    summary="$summary$id $address $flags $primary $link $slots,"
  done <<END
$nodes
END
}

# Everything that may be necessary. While nothing changes in a whole cluster, nothing is necessary.
repair() {
  changed='' whole=''
  meet
  [ "$name" != redis-cluster-a-0 ] || create
  has_slots "$me" || follow
  [ -e /data/complete ] || admit
  forget
  settled=''
  [ "$changed" ] || [ ! "$whole" ] || [ ! -e /data/complete ] || settled=$summary
}

keep() {
  trap exit TERM
  settled='' rounds=0
  while :; do
    authenticate
    if nodes=$(redis localhost cluster nodes); then
      read_nodes
      rounds=$(((rounds + 1) % 15)) # every half a minute, whatever there is
      [ "$rounds" != 0 ] && [ "$summary" = "$settled" ] || repair
    fi
    : >/tmp/round
    sleep 2 &
    wait $!
  done
}

# By one process, since the kubelet asks often.
ready() {
  answers=$(printf '%s\n' ping 'cluster info' 'info replication' 'cluster nodes' | redis localhost)
  case $answers in *PONG*cluster_state:ok*) ;; *) return 1 ;; esac
  case $answers in
    *master_link_status:up*) ;;
    *) has_slots "$(echo "$answers" | grep myself)" ;;
  esac
}

# Before the replica takes over, Redis stops writes and sends all data to the replica. Afterwards, Redis redirects clients
# for two seconds, until they have requested the list of nodes again.
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

# The reset makes this node forget the lost node, which otherwise owns the slots. Before this node gets the slots, it needs
# the newest epoch: otherwise the other nodes answer that the lost node owns the slots, and this node becomes its replica.
begin_anew() {
  for node in localhost "$partner"; do
    case $(redis "$node" config get cluster-replica-no-failover) in
      *yes) continue ;;
      *no) why="has all of its data, so the slots are not lost: nothing was changed, wait until the pair is ready" ;;
      *) why="does not answer, and may have all of its data: nothing was changed, run this again when the node answers" ;;
    esac
    echo "begin-anew: $node $why" >&2
    exit 1
  done
  pair=${name%-*}
  # shellcheck disable=SC2046 # splits words
  redis localhost cluster reset soft &&
    redis localhost cluster bumpepoch &&
    redis localhost cluster addslotsrange $(slots "${pair##*-}") || exit
  sleep 5
  if ! has_slots "$(myself)"; then
    echo "begin-anew: the other nodes did not accept that $name has the slots of its pair: run this again" >&2
    exit 1
  fi
}

case $1 in
  keep) keep ;;
  ready) ready ;;
  hand-over) hand_over ;;
  begin-anew) begin_anew ;;
esac
