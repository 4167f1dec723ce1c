#!/bin/bash
# Run once while the image is built: the first start fills Liberty's caches in $WLP_OUTPUT_DIR, the second one
# records which classes a start and the first requests need (https://openjdk.org/jeps/514, ahead-of-time cache).
set -euo pipefail
export REDIS_URL=127.0.0.1:1 # nothing answers there; what can be learnt without Redis is most of it

status() { # PATH : the HTTP status, without curl, which a runtime image need not have
  exec 3<>/dev/tcp/127.0.0.1/1323 || return
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&3
  cut -d' ' -f2 <&3 | head -1
  exec 3>&-
}

run() { # JVM OPTIONS : start, answer a few requests, stop
  JVM_ARGS=$1 /opt/wlp/bin/server run user-counter &
  local server=$!
  until [[ $(status /healthz 2>/dev/null) == 200 ]]; do
    kill -0 $server
    sleep 0.1
  done
  for _ in {1..50}; do
    for path in /users/training /healthz /health/started /health/live /health/ready /nothing; do
      status $path >/dev/null
    done
  done
  kill $server
  wait $server || true
}

mv /opt/wlp/bin/{jvm.options,bootstrap.properties} /opt/wlp/usr/servers/user-counter/
# Both caches are of use only for files of the same age, and builders differ in what they make of a file's age.
find /opt/wlp -exec touch -h -d @0 {} +
run ''
rm -rf "$WLP_OUTPUT_DIR/logs"
cp -R "$WLP_OUTPUT_DIR" /opt/wlp/warm
run -XX:AOTCacheOutput=/opt/wlp/start.aot
test -s /opt/wlp/start.aot
echo -XX:AOTCache=/opt/wlp/start.aot >>/opt/wlp/usr/servers/user-counter/jvm.options
chmod -R a+rX /opt/wlp
rm /opt/wlp/bin/train.sh
