#!/bin/bash
# Runs once during the build of the image. The first start fills Liberty's caches in $WLP_OUTPUT_DIR. The second start
# fills the JVM's ahead-of-time cache with the classes of the start and the first requests
# (https://openjdk.org/jeps/514).
set -euo pipefail
export REDIS_URL=127.0.0.1:1 # no Redis: most classes are loaded without one, too

# get PATH: prints the response. Without curl, since a runtime image may not have it.
get() {
  exec 3<>/dev/tcp/127.0.0.1/1323 || return
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&3
  cat <&3
  exec 3>&-
}

# paths: prints a path of each route of the resources, which have metrics from the start (RequestMetrics).
paths() {
  get /metrics | sed -n 's/.*http_route="\([^"]*\)".*/\1/p' | sort -u | sed 's/{[^}]*}/training/g'
}

# run JVM-OPTIONS: starts the server, sends some requests, stops the server.
run() {
  JVM_ARGS=$1 /opt/wlp/bin/server run user-counter &
  local server=$!
  until [[ $(get /healthz 2>/dev/null) == *' 200 '* ]]; do
    kill -0 $server
    sleep 0.1
  done
  local paths
  paths=$(paths)
  for _ in {1..50}; do
    for path in $paths /health/started /health/live /health/ready /metrics /nothing; do
      get "$path" >/dev/null
    done
  done
  kill $server
  wait $server || true
}

mv /opt/wlp/bin/{jvm.options,bootstrap.properties} /opt/wlp/usr/servers/user-counter/
# Both caches are valid only for files with an unchanged modification time, which image builders may change.
find /opt/wlp -exec touch -h -d @0 {} +
run ''
rm -rf "$WLP_OUTPUT_DIR/logs"
cp -R "$WLP_OUTPUT_DIR" /opt/wlp/warm
run -XX:AOTCacheOutput=/opt/wlp/start.aot
test -s /opt/wlp/start.aot
echo -XX:AOTCache=/opt/wlp/start.aot >>/opt/wlp/usr/servers/user-counter/jvm.options
chmod -R a+rX /opt/wlp
rm /opt/wlp/bin/train.sh
