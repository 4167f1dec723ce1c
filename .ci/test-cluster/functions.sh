# shellcheck shell=bash
# The maintainers' own test cluster, in ../shared/cluster beside the repository. Nobody else needs it: the cluster tests
# run the same on the cluster of your kubeconfig, see CONTRIBUTING.md. Everything that only the test cluster needs is in
# this folder: these functions for .ci/run, which do nothing without the cluster, and a program minikube, which runs the
# minikube commands of the documentation and the tests on the test cluster.

CLUSTER=$(realpath -m ../shared/cluster/cluster)

has_test_cluster() {
  [[ -x $CLUSTER ]]
}

# prepare_test_cluster: builds and starts the cluster in the background, and then installs the addons. Returns when there are
# kubectl and kustomize, which the manifest tests need.
prepare_test_cluster() {
  has_test_cluster || return 0
  mkdir -p target
  rm -f target/test-cluster-is-up
  eval "$("$CLUSTER" env)"
  (
    nice "$CLUSTER" build
    "$CLUSTER" up
    prefer_pods
    touch target/test-cluster-is-up
    install_addons
  ) &
  PREPARATION=$!
  await_preparation 'command -v kubectl && command -v kustomize'
}

# await_preparation CONDITION: waits until a command succeeds. Fails with the preparation.
await_preparation() {
  until eval "$1" >/dev/null; do
    if ! kill -0 "$PREPARATION"; then wait "$PREPARATION"; fi
    sleep 1
  done
}

# test_on_test_cluster: waits until the cluster has started, makes a Git repository for the tests of Argo CD, and runs the
# cluster tests. Side by side also on two cores, since the pods have more CPU than the tests (prefer_pods).
test_on_test_cluster() {
  has_test_cluster || return 0
  await_preparation '[[ -e target/test-cluster-is-up ]]'
  GITOPS_REPOSITORY=$("$CLUSTER" repo user-counter)
  PATH=$PWD/.ci/test-cluster:$PATH
  export CLUSTER GITOPS_REPOSITORY PATH
  ./mvnw -B -ntp -pl tests verify -Pcluster -Dcluster.jvms=2
}

# prefer_pods: gives the pods of both nodes together eight times the CPU of any other program. By default they get as much as
# one program, and starve beside the tests. The two files are of cgroup v1 and v2.
prefer_pods() {
  if [[ -d /sys/fs/cgroup/cpu/testcluster ]]; then
    echo 8192 >/sys/fs/cgroup/cpu/testcluster/cpu.shares
  else
    echo 800 >/sys/fs/cgroup/testcluster/cpu.weight
  fi
}

# install_addons: builds and installs what the tests of components need, in the order of these tests, which wait for it.
install_addons() {
  kubectl apply --filename tests/src/test/resources/crds/gke.yaml --filename tests/src/test/resources/crds/google-prometheus.yaml
  nice "$CLUSTER" addon gateway-api cert-manager pebble traefik |
    xargs --max-args=1 kubectl apply --server-side --filename
  nice "$CLUSTER" addon prometheus alertmanager redis-exporter nginx-exporter
  local image
  for image in $(kubectl kustomize tests/overlays/monitoring | grep -o '[^ ]*exporter:.*'); do
    "$CLUSTER" alias "${image%:*}:latest" "$image"
  done
  nice "$CLUSTER" addon prometheus-operator | xargs kubectl apply --server-side --filename
  nice "$CLUSTER" addon jaeger
}

# stop_test_cluster STATUS: stops the cluster. If STATUS is not 0, prints the state of the cluster first.
stop_test_cluster() {
  has_test_cluster || return 0
  if (($1)); then
    echo "--- the state of the test cluster after the failure"
    "$CLUSTER" status || true
  fi
  jobs -p | xargs --no-run-if-empty kill 2>/dev/null || true
  "$CLUSTER" down
}
