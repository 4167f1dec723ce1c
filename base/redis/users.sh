#!/bin/sh
# Writes the users of Redis to users.conf, and the administrator's password, which the probes use, to the file password.
set -eu
umask 077
cd /run/secrets/redis

default=$(sh /scripts/digest.sh default)
backend=$(sh /scripts/digest.sh backend)
backup=$(sh /scripts/digest.sh backup)

echo "$default" >password
# The user backup has all rights, since a restore replaces all data and locks out other users.
cat >users.conf <<EOF
requirepass $default
user backend on >$backend $(cat /etc/redis/*.acl | tr '\n' ' ')
user backup on >$backup ~* &* +@all
EOF
