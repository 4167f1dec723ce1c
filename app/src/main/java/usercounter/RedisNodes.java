package usercounter;

import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.providers.ClusterConnectionProvider;
import redis.clients.jedis.providers.PooledConnectionProvider;
import redis.clients.jedis.util.JedisClusterCRC16;

/** Which Redis node has a key, and the connections to each. */
interface RedisNodes extends AutoCloseable {

    /** The node to ask for a key; empty as long as nobody knows it. */
    Optional<HostAndPort> nodeOf(String key);

    /** The nodes that keys lie on. */
    Collection<HostAndPort> all();

    /** A connection that goes back to its pool when it is closed. */
    Connection connect(HostAndPort node);

    @Override
    void close();

    /** Opens what the address names, whether it answers already or not. */
    static RedisNodes open(
            RedisAddress address, JedisClientConfig config, GenericObjectPoolConfig<Connection> poolConfig) {
        return address.cluster()
                ? new Cluster(address.nodes(), config, poolConfig)
                : new Single(address.nodes().get(0), config, poolConfig);
    }

    /** One Redis has every key. */
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
        public void close() {
            provider.close();
        }
    }

    /**
     * The primaries of a Redis Cluster, each with the keys of its hash slots.
     *
     * @see <a href="https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/">Redis Cluster</a>
     */
    final class Cluster implements RedisNodes {

        /** After a fail-over the new primary is known within this time. */
        private static final Duration REFRESH = Duration.ofSeconds(1);

        static {
            // Else a cluster that is not there yet, or not whole, would end the start.
            System.setProperty("jedis.cluster.initNoError", "true");
        }

        private final ClusterConnectionProvider provider;

        private Cluster(
                List<HostAndPort> seeds, JedisClientConfig config, GenericObjectPoolConfig<Connection> poolConfig) {
            provider = new ClusterConnectionProvider(new LinkedHashSet<>(seeds), config, poolConfig, REFRESH);
        }

        @Override
        public Optional<HostAndPort> nodeOf(String key) {
            return Optional.ofNullable(provider.getNode(JedisClusterCRC16.getSlot(key)));
        }

        @Override
        public Set<HostAndPort> all() {
            return provider.getPrimaryNodes().keySet().stream()
                    .map(HostAndPort::from)
                    .collect(Collectors.toSet());
        }

        @Override
        public Connection connect(HostAndPort node) {
            return provider.getConnection(node);
        }

        @Override
        public void close() {
            provider.close();
        }
    }
}
