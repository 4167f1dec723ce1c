package usercounter.testkit;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.params.MigrateParams;
import redis.clients.jedis.util.JedisClusterCRC16;
import usercounter.dev.RedisServer;

/**
 * A Redis Cluster on the loopback address: three primaries with a third of the slots each, and one replica.
 *
 * @see <a href="https://redis.io/docs/latest/commands/cluster-setslot/">How a slot moves</a>
 */
public final class RedisCluster implements AutoCloseable {

    private static final int PRIMARIES = 3;
    private static final String ENDPOINT_TYPE = "cluster-preferred-endpoint-type";

    private final Path folder;
    private final List<RedisServer> nodes = new ArrayList<>();

    private RedisCluster(Path folder) {
        this.folder = folder;
    }

    /** Starts the cluster, and waits until every node reports that all slots are served. */
    public static RedisCluster start(Path folder) throws IOException {
        RedisCluster cluster = new RedisCluster(folder);
        try {
            cluster.form();
            return cluster;
        } catch (Throwable e) {
            cluster.close();
            throw e;
        }
    }

    private void form() throws IOException {
        for (int i = 0; i <= PRIMARIES; i++) {
            nodes.add(startNode(folder, RedisServer.freePort()));
        }
        RedisServer last = nodes.get(PRIMARIES);
        for (int i = 0; i < PRIMARIES; i++) {
            int primary = i;
            try (Jedis jedis = client(nodes.get(i))) {
                jedis.clusterMeet("127.0.0.1", last.port());
                jedis.clusterAddSlots(IntStream.range(0, Protocol.CLUSTER_HASHSLOTS)
                        .filter(slot -> slot * PRIMARIES / Protocol.CLUSTER_HASHSLOTS == primary)
                        .toArray());
            }
        }
        awaitInfo("cluster_known_nodes:" + nodes.size());
        try (Jedis replica = client(last)) {
            replica.clusterReplicate(id(nodes.get(0)));
        }
        replica();
        awaitInfo("cluster_state:ok");
    }

    /**
     * Starts a node that knows no other node.
     *
     * @param folder for all nodes; each node has its own folder below it
     */
    public static RedisServer startNode(Path folder, int port) throws IOException {
        String options = "--cluster-enabled yes --cluster-node-timeout 1000 --cluster-require-full-coverage no";
        return InstalledRedis.startOrEmbedded(folder.resolve("redis-" + port), port, options.split(" "));
    }

    private void awaitInfo(String text) {
        for (RedisServer node : nodes) {
            try (Jedis jedis = client(node)) {
                Waiting.until(
                        "'" + text + "' in CLUSTER INFO",
                        () -> jedis.clusterInfo().contains(text));
            }
        }
    }

    public static Jedis client(RedisServer node) {
        return new Jedis("127.0.0.1", node.port());
    }

    /** The value of REDIS_URL for these nodes. */
    public static String url(RedisServer... seeds) {
        return Stream.of(seeds)
                .map(node -> "127.0.0.1:" + node.port())
                .collect(Collectors.joining(",", "redis-cluster://" + RedisUser.CREDENTIALS + "@", ""));
    }

    /** All nodes, including the replica. */
    public List<RedisServer> nodes() {
        return List.copyOf(nodes);
    }

    public List<RedisServer> primaries() {
        return nodes.stream()
                .filter(node -> replication(node).contains("role:master"))
                .toList();
    }

    /** From now on the nodes name no host, only ports. Redis 7.0 or newer. */
    public void hideHosts() {
        for (RedisServer node : nodes) {
            try (Jedis jedis = client(node)) {
                assumeThat(jedis.configGet(ENDPOINT_TYPE)).isNotEmpty();
                jedis.configSet(ENDPOINT_TYPE, "unknown-endpoint");
            }
        }
    }

    /** Waits until the replica is in sync with its primary, and returns it. */
    public RedisServer replica() {
        List<RedisServer> found = new ArrayList<>();
        Waiting.until(
                "a replica that is in sync",
                () -> nodes.stream()
                        .filter(node -> replication(node).contains("master_link_status:up"))
                        .anyMatch(found::add));
        return found.get(0);
    }

    public RedisServer primaryOf(RedisServer replica) {
        String replication = replication(replica);
        return nodes.stream()
                .filter(node -> replication.contains("master_port:" + node.port()))
                .findFirst()
                .orElseThrow();
    }

    private static String replication(RedisServer node) {
        try (Jedis jedis = client(node)) {
            return jedis.info("replication");
        }
    }

    /** Starts a killed node again, and waits until all slots are served. */
    public void restart(RedisServer node) throws IOException {
        nodes.set(nodes.indexOf(node), startNode(folder, node.port()));
        replica();
    }

    private static String id(RedisServer node) {
        try (Jedis jedis = client(node)) {
            return jedis.clusterMyId();
        }
    }

    /** The slot of a key, which is that of its hash tag if it has one. */
    public static int slotOf(String key) {
        return JedisClusterCRC16.getSlot(key);
    }

    /** The primary that has a slot. */
    @SuppressWarnings("deprecation") // its successor, CLUSTER SHARDS, is newer than the embedded Redis
    public RedisServer ownerOf(int slot) {
        try (Jedis jedis = client(nodes.get(0))) {
            for (Object entry : jedis.clusterSlots()) {
                List<?> range = (List<?>) entry;
                List<?> primary = (List<?>) range.get(2);
                if ((long) range.get(0) <= slot && slot <= (long) range.get(1)) {
                    return nodes.stream()
                            .filter(node -> node.port() == (long) primary.get(1))
                            .findFirst()
                            .orElseThrow();
                }
            }
        }
        throw new AssertionError("Nobody has slot " + slot);
    }

    /** The move of one slot to another primary. Between the steps, keys of the slot are on both nodes. */
    public final class Move {

        private final int slot;
        private final List<RedisServer> primaries = primaries();
        private final RedisServer from;
        private final RedisServer to;

        /** Starts the move: from now on, new keys of the slot are written to the next primary. */
        public Move(int slot) {
            this.slot = slot;
            this.from = ownerOf(slot);
            this.to = primaries.get((primaries.indexOf(from) + 1) % primaries.size());
            try (Jedis target = client(to);
                    Jedis source = client(from)) {
                target.clusterSetSlotImporting(slot, source.clusterMyId());
                source.clusterSetSlotMigrating(slot, target.clusterMyId());
            }
        }

        public void keys(String... keys) {
            try (Jedis source = client(from)) {
                source.migrate("127.0.0.1", to.port(), 5_000, new MigrateParams(), keys);
            }
        }

        /** Moves the remaining keys, ten at a time, and then the slot itself. */
        public void finish() {
            try (Jedis source = client(from)) {
                List<String> keys = source.clusterGetKeysInSlot(slot, 10);
                while (!keys.isEmpty()) {
                    keys(keys.toArray(String[]::new));
                    keys = source.clusterGetKeysInSlot(slot, 10);
                }
            }
            String id = id(to);
            // The new primary first. Otherwise an interruption would leave the slot without an owner.
            Stream.concat(Stream.of(to), primaries.stream()).distinct().forEach(node -> {
                try (Jedis jedis = client(node)) {
                    jedis.clusterSetSlotNode(slot, id);
                }
            });
        }
    }

    @Override
    public void close() {
        nodes.forEach(RedisServer::close);
    }
}
