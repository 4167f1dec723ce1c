# shellcheck shell=sh disable=SC2154 # users.sh has the function and the variable
# Adds the user `exporter` to those of users.sh, and writes its password to the file that the exporter reads at its start.

# The first commands read the state of Redis, the others the keys of components/backup. The exporter also tries SLOWLOG,
# which is not allowed, since it shows ids of users.
user exporter '+ping +info +cluster|info +cluster|slots %R~backup:newest:* +select +type +get +strlen +pfcount +memory|usage'
printf '{"redis://exporter@localhost:6379":"%s"}\n' "$password" >/run/secrets/exporter/redis.json
