#!/bin/sh
# Adds the user `exporter` to the users of Redis, and writes its password to the file that the exporter reads.
set -eu
umask 077
exporter=$(sh /scripts/digest.sh exporter)

# The first commands read the state of Redis, the others the keys of components/backup. The exporter also tries SLOWLOG,
# which is not allowed, since it shows ids of users.
cat >>/run/secrets/redis/users.conf <<EOF
user exporter on >$exporter +ping +info +cluster|info +cluster|slots \
  %R~backup:newest:* +select +type +get +strlen +pfcount +memory|usage
EOF
printf '{"redis://exporter@localhost:6379":"%s"}\n' "$exporter" >/run/secrets/exporter/redis.json
