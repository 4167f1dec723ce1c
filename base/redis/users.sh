#!/bin/sh
# users.sh [FILE...]: writes the users of Redis to users.conf, and the administrator's password, which the probes use, to the
# file password. The files add users. A Redis that runs accepts the new passwords at once. The last ones stay valid until its
# pod is replaced, since the clients take over the new ones later.
set -eu
umask 077
cd /run/secrets/redis

# user NAME RULE...
user() {
  name=$1
  shift
  password=$(sh /scripts/digest.sh "$name")
  last=$(sed -n "s/^user $name on \(>[^ ]*\).*/\1/p" users.conf)
  echo "user $name on >$password $last $*" >>users.new
}

touch users.conf
: >users.new
user default '~*' '&*' +@all
user backend "$(cat /etc/redis/*.acl | tr '\n' ' ')"
# The user backup has all rights, since a restore replaces all data and locks out other users.
user backup '~*' '&*' +@all
for file in "$@"; do
  # shellcheck source=/dev/null
  . "$file"
done
sh /scripts/digest.sh default >password.new

if [ -e password ] && redis-cli ping >/dev/null 2>&1; then
  sed 's/^user/acl setuser/' users.new | REDISCLI_AUTH=$(cat password) redis-cli -e >/dev/null
fi
mv users.new users.conf
mv password.new password
