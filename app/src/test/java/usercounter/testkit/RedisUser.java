package usercounter.testkit;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;
import usercounter.dev.RedisServer;

/**
 * A Redis user with the rights that docs/configuration.md lists, and those on the keys of the tests' resource.
 *
 * @see <a href="https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/">ACL</a>
 */
public final class RedisUser {

    /** Name and password in the form of REDIS_URL. */
    public static final String CREDENTIALS = "service:secret";

    private static final String DOCUMENTATION = PackagedServer.read(Path.of("..", "docs", "configuration.md"));
    private static final Pattern KEYS = Pattern.compile("`(\\w+:\\*)`");

    private final List<RedisServer> nodes;
    private final Set<String> commands;

    /**
     * Creates the user on the nodes.
     *
     * @param commands that the user may run
     * @param when the rows of the table in docs/configuration.md whose commands the user may run, too
     */
    public RedisUser(List<RedisServer> nodes, Set<String> commands, String... when) {
        this.nodes = nodes;
        this.commands = new HashSet<>(commands);
        this.commands.addAll(documented(when));
        permitAllExcept();
    }

    /** The commands in these rows of the table in docs/configuration.md. */
    public static Set<String> documented(String... when) {
        return Stream.of(when)
                .map(row -> {
                    Matcher commands = Pattern.compile("\\| %s \\| (.+) \\|".formatted(Pattern.quote(row)))
                            .matcher(DOCUMENTATION);
                    assertThat(commands.find())
                            .as("docs/configuration.md has a row '%s' in the table of commands", row)
                            .isTrue();
                    return commands.group(1);
                })
                .flatMap(cell -> Pattern.compile("`([A-Z ]+)`").matcher(cell).results())
                .map(command -> command.group(1))
                .collect(toSet());
    }

    /** Permits all documented commands except these, also on open connections. */
    public void permitAllExcept(String... forbidden) {
        List<String> rules = new ArrayList<>(List.of("reset", "on", ">secret", "~visits:*"));
        KEYS.matcher(DOCUMENTATION).results().map(key -> "~" + key.group(1)).forEach(rules::add);
        commands.stream()
                .filter(command -> !List.of(forbidden).contains(command))
                .map(command -> "+" + command.toLowerCase(Locale.ROOT).replace(' ', '|'))
                .forEach(rules::add);
        onEachNode(node -> {
            node.aclSetUser("service", rules.toArray(String[]::new));
            node.aclLogReset();
        });
    }

    /**
     * Redis refuses nothing if all commands are permitted, and something if one command is forbidden.
     *
     * @param works sends requests that need every command, and returns whether all of them succeed
     */
    public void assertNeedsExactlyItsCommands(BooleanSupplier works) throws InterruptedException {
        permitAllExcept();
        disconnect();
        Waiting.until("success on new connections", works);
        Thread.sleep(1_500); // idle connections are checked within this time
        Waiting.until("success on idle connections", works);
        assertThat(isRefused()).isFalse();

        for (String command : commands) {
            permitAllExcept(command);
            disconnect();
            Waiting.until("a refused command although only " + command + " is forbidden", () -> {
                works.getAsBoolean();
                return isRefused();
            });
        }
        permitAllExcept();
        Waiting.until("success with all commands permitted", works);
    }

    private boolean isRefused() {
        List<Object> refused = new ArrayList<>();
        onEachNode(node -> refused.addAll(node.aclLog()));
        return !refused.isEmpty();
    }

    private void disconnect() {
        onEachNode(node ->
                node.clientKill(new ClientKillParams().type(ClientType.NORMAL).skipMe(ClientKillParams.SkipMe.YES)));
    }

    private void onEachNode(Consumer<Jedis> action) {
        for (RedisServer node : nodes) {
            try (Jedis jedis = RedisCluster.client(node)) {
                action.accept(jedis);
            }
        }
    }
}
