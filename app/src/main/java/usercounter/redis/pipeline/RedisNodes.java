package usercounter.redis.pipeline;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.JedisClusterInfoCache;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisClusterOperationException;
import redis.clients.jedis.providers.PooledConnectionProvider;
import redis.clients.jedis.util.JedisClusterCRC16;
import redis.clients.jedis.util.Pool;
import redis.clients.jedis.util.SafeEncoder;

/** The Redis nodes, their keys, and connections to them. */
public interface RedisNodes extends AutoCloseable {

    /** The node that has a key; empty if it is not known yet. */
    Optional<HostAndPort> nodeOf(String key);

    /** The nodes that have keys: the primaries. */
    Collection<HostAndPort> all();

    /** A connection that returns to its pool when it is closed. */
    Connection connect(HostAndPort node);

    /** The open connections, by node. */
    Collection<? extends Pool<Connection>> pools();

    /** Looks up which node has which keys. Called once a second, on a separate thread. */
    void refresh();

    /** The failure of a command for which no node is known. Its cause is the reason why the last look-up failed. */
    default JedisClusterOperationException unknown(String message) {
        return new JedisClusterOperationException(message);
    }

    /**
     * A node that another node has named. A cluster with {@code cluster-preferred-endpoint-type unknown-endpoint} names
     * only ports: every node has the host by which the client reached the other one.
     */
    static HostAndPort withHost(HostAndPort named, HostAndPort namer) {
        return named.getHost().isEmpty() ? new HostAndPort(namer.getHost(), named.getPort()) : named;
    }

    @Override
    void close();

    /** A single Redis with all keys. It need not answer yet. */
    static RedisNodes single(
            HostAndPort node, JedisClientConfig config, GenericObjectPoolConfig<Connection> poolConfig) {
        return new Single(node, config, poolConfig);
    }

    /**
     * The primaries of a Redis Cluster, each with the keys of its hash slots.
     *
     * @param seeds nodes of the cluster, which need not answer yet
     */
    static RedisNodes cluster(
            List<HostAndPort> seeds, JedisClientConfig config, GenericObjectPoolConfig<Connection> poolConfig) {
        return new Cluster(seeds, config, poolConfig);
    }

    /** See {@link #single}. */
    final class Single implements RedisNodes {

        private final HostAndPort node;
        private final PooledConnectionProvider provider;

        private Single(HostAndPort node, JedisClientConfig config, GenericObjectPoolConfig<Connection> poolConfig) {
            this.node = node;
            this.provider = new PooledConnectionProvider(node, config, poolConfig);
        }

        @Override
        public Optional<HostAndPort> nodeOf(String key) {
            return Optional.of(node);
        }

        @Override
        public Collection<HostAndPort> all() {
            return List.of(node);
        }

        @Override
        public Connection connect(HostAndPort any) {
            return provider.getConnection();
        }

        @Override
        public Collection<? extends Pool<Connection>> pools() {
            return provider.getConnectionMap().values();
        }

        @Override
        public void refresh() {
            // nothing to look up
        }

        @Override
        public void close() {
            provider.close();
        }
    }

    /**
     * See {@link #cluster}.
     *
     * @see <a href="https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/">Redis Cluster</a>
     */
    final class Cluster implements RedisNodes {

        static {
            // Otherwise the service would not start if the cluster does not answer yet or has lost slots.
            System.setProperty("jedis.cluster.initNoError", "true");
        }

        private final List<HostAndPort> seeds;
        private final JedisClientConfig config;
        private final JedisClusterInfoCache cache;
        private volatile Throwable refreshFailure;

        private Cluster(
                List<HostAndPort> seeds, JedisClientConfig config, GenericObjectPoolConfig<Connection> poolConfig) {
            this.seeds = seeds;
            this.config = config;
            // Not Jedis' ClusterConnectionProvider, which asks the seeds itself and fails if they hide their hosts.
            this.cache = new JedisClusterInfoCache(config, poolConfig, Set.of());
        }

        @Override
        public Optional<HostAndPort> nodeOf(String key) {
            return Optional.ofNullable(cache.getSlotNode(JedisClusterCRC16.getSlot(key)));
        }

        @Override
        public Set<HostAndPort> all() {
            return cache.getPrimaryNodes().keySet().stream()
                    .map(HostAndPort::from)
                    .collect(Collectors.toSet());
        }

        @Override
        public Connection connect(HostAndPort node) {
            return cache.setupNodeIfNotExist(node).getResource();
        }

        @Override
        public Collection<? extends Pool<Connection>> pools() {
            return cache.getNodes().values();
        }

        /** Asks the nodes in turn: a node that has left the cluster, or has not joined yet, knows no slots. */
        @Override
        public void refresh() {
            Stream.concat(seeds.stream(), all().stream()).distinct().anyMatch(this::refreshFrom);
        }

        private boolean refreshFrom(HostAndPort node) {
            try (Connection connection = new Connection(node, config)) {
                connection.sendCommand(Protocol.Command.CLUSTER, "SLOTS");
                List<Object> ranges = connection.getObjectMultiBulkReply();
                if (ranges.isEmpty()) {
                    return false;
                }
                ranges.forEach(range -> completeHosts((List<?>) range, node));
                cache.renewClusterSlots(new Reply(ranges));
                refreshFailure = null;
                return true;
            } catch (RuntimeException e) {
                // Any failure, such as a password file that is missing for a moment. The next refresh may succeed.
                refreshFailure = e;
                return false;
            }
        }

        @Override
        public JedisClusterOperationException unknown(String message) {
            return new JedisClusterOperationException(message, refreshFailure);
        }

        @Override
        public void close() {
            cache.close();
        }

        /** Jedis requires a host, and does not know that null means the host of the node that replies. */
        @SuppressWarnings("unchecked")
        private static void completeHosts(List<?> range, HostAndPort replying) {
            for (Object member : range.subList(2, range.size())) { // after the first and the last slot
                List<Object> hostAndPort = (List<Object>) member;
                if (hostAndPort.get(0) == null) {
                    hostAndPort.set(0, SafeEncoder.encode(replying.getHost()));
                }
            }
        }

        /** Not a connection, but what Jedis reads from one. */
        private static final class Reply extends Connection {

            private final Object reply;

            Reply(Object reply) {
                this.reply = reply;
            }

            @Override
            public Object executeCommand(CommandArguments clusterSlots) {
                return reply;
            }
        }
    }
}
