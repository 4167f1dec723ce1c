#!/bin/sh
# Starts the server in the container: with the caches of the image's build, in the place where they were made.
set -e
cp -R /opt/wlp/warm/. "$WLP_OUTPUT_DIR"
exec /opt/wlp/bin/server run user-counter
