#!/bin/sh
# digest.sh USER prints the password of a Redis user: a digest of the key `token` in the Secret redis-password. The API
# server accepts the token, but not the digest. The token cannot be computed from the digest.
set -eu
token=/run/secrets/token/token

if [ "$(wc -c 2>/dev/null <$token || echo 0)" -lt 32 ]; then
  echo "The Secret 'redis-password' needs a key 'token' of 32 characters or more, but the key is missing or shorter." \
    "If the control plane does not write it, create the Secret yourself: see components/own-password/README.md" >&2
  exit 1
fi
{ printf '%s:' "$1" && cat $token; } | sha256sum | cut -d ' ' -f 1
