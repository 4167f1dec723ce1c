# shellcheck shell=bash
# The maintainers' own test cluster, in ../shared/cluster beside the repository. Nobody else needs it: the cluster tests
# run the same on the cluster of your kubeconfig, see CONTRIBUTING.md. Everything that only the test cluster needs is in
# this folder: these functions for .ci/run, and a program minikube, which runs the minikube commands of the documentation
# and the tests on the test cluster.

CLUSTER=$(realpath -m ../shared/cluster/cluster)

has_test_cluster() {
  [[ -x $CLUSTER ]]
}

# build_test_cluster: builds the cluster in the background, and puts its tools on the PATH. Returns when there are kubectl and
# kustomize, which the manifest tests need.
build_test_cluster() {
  nice "$CLUSTER" build &
  BUILD=$!
  eval "$("$CLUSTER" env)"
  until command -v kubectl >/dev/null && command -v kustomize >/dev/null; do
    if ! kill -0 "$BUILD"; then wait "$BUILD"; fi
    sleep 1
  done
}

# start_test_cluster: starts the cluster and a Git repository for the tests of Argo CD, until the script ends.
start_test_cluster() {
  wait "$BUILD"
  trap stop_test_cluster EXIT
  "$CLUSTER" up
  install_addons &
  GITOPS_REPOSITORY=$("$CLUSTER" repo user-counter)
  PATH=$PWD/.ci/test-cluster:$PATH
  export CLUSTER GITOPS_REPOSITORY PATH
}

# install_addons: builds and installs what components/gateway and components/monitoring need, beside the tests. GatewayIT waits
# for it.
install_addons() {
  kubectl apply --filename tests/src/test/resources/crds/gke.yaml --filename tests/src/test/resources/crds/google-prometheus.yaml
  nice "$CLUSTER" addon gateway-api cert-manager pebble prometheus prometheus-operator traefik |
    xargs --max-args=1 kubectl apply --server-side --filename
}

# stop_test_cluster: stops the cluster. If the script has failed, prints the state of the cluster, and at the end, where they
# are easy to find, the failed tests. Keeps the exit code.
stop_test_cluster() {
  local status=$?
  if ((status)); then
    echo "--- the state of the test cluster after the failure"
    "$CLUSTER" status || true
  fi
  jobs -p | xargs --no-run-if-empty kill 2>/dev/null || true
  "$CLUSTER" down
  if ((status)); then
    echo "--- the failed tests"
    grep --no-filename --after-context=10 '<<< [A-Z]*!$' tests/target/failsafe-reports/*.txt || true
  fi
  exit $status
}
