#!/bin/sh
# Starts the server in the container, with the caches of the image's build in the folder where they were created.
set -e
cp -R /opt/wlp/warm/. "$WLP_OUTPUT_DIR"
exec /opt/wlp/bin/server run user-counter
