# shellcheck shell=bash
# The maintainers' own test cluster, in ../shared/cluster beside the repository. Nobody else needs it: the cluster tests
# run the same on the cluster of your kubeconfig, see CONTRIBUTING.md. Everything that only the test cluster needs is in
# this folder: these functions for .ci/run, and a program minikube, which runs the minikube commands of the documentation
# and the tests on the test cluster.

CLUSTER=$(realpath -m ../shared/cluster/cluster)

has_test_cluster() {
  [[ -x $CLUSTER ]]
}

# build_test_cluster: builds the tools of the cluster and puts them on the PATH, among them kubectl and kustomize.
build_test_cluster() {
  "$CLUSTER" build
  eval "$("$CLUSTER" env)"
}

# start_test_cluster: starts the cluster, a Git repository for the tests of Argo CD, and what components/gateway needs, until
# the script ends.
start_test_cluster() {
  trap stop_test_cluster EXIT
  "$CLUSTER" up
  GITOPS_REPOSITORY=$("$CLUSTER" repo user-counter)
  "$CLUSTER" addon gateway-api traefik cert-manager pebble |
    xargs --max-args=1 kubectl apply --server-side --filename
  kubectl apply --filename tests/src/test/resources/crds/gke.yaml
  PATH=$PWD/.ci/test-cluster:$PATH
  export CLUSTER GITOPS_REPOSITORY PATH
}

# stop_test_cluster: stops the cluster, after printing its state if the script has failed. Keeps the exit code.
stop_test_cluster() {
  local status=$?
  if ((status)); then
    echo "--- the state of the test cluster after the failure"
    "$CLUSTER" status || true
  fi
  "$CLUSTER" down
  exit $status
}
