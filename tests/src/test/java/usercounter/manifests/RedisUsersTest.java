package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import usercounter.Repository;

/** The backend's user in Redis has the rights that docs/configuration.md names for its settings, and no others. */
class RedisUsersTest {

    private static final List<String> ALONE = List.of(
            "always",
            "`maxmemory-policy` is to be checked",
            "`REDIS_REPLICAS` is `0` and `REDIS_DURABILITY` is `checked`");
    private static final List<String> ON_A_CLUSTER =
            List.of("`REDIS_URL` is a Redis Cluster's", "`REDIS_REPLICAS` is not `0`");

    @Test
    void rightsWithOneRedis() throws Exception {
        assertThat(rules("base/redis/backend.acl")).containsExactlyInAnyOrderElementsOf(rulesFor(ALONE));
    }

    @Test
    void furtherRightsWithRedisCluster() throws Exception {
        List<String> documented = rulesFor(ON_A_CLUSTER);
        documented.add("-config|get");
        assertThat(Stream.concat(
                        Stream.of("~user:*", "~service:*"), rules("components/redis-cluster/cluster.acl").stream()))
                .containsExactlyInAnyOrderElementsOf(documented);
    }

    private static List<String> rules(String file) throws IOException {
        return List.of(Files.readString(Repository.ROOT.resolve(file)).strip().split(" "));
    }

    private static List<String> rulesFor(List<String> rows) throws IOException {
        String documentation = Files.readString(Repository.ROOT.resolve("docs/configuration.md"));
        Stream<String> commands = rows.stream().flatMap(row -> {
            var cells = Pattern.compile("\\| %s \\| (.+) \\|".formatted(Pattern.quote(row)))
                    .matcher(documentation);
            assertThat(cells.find()).as("a row for: " + row).isTrue();
            return Pattern.compile("`([A-Z ]+)`")
                    .matcher(cells.group(1))
                    .results()
                    .map(command -> command.group(1));
        });
        return Stream.concat(
                        Stream.of("~user:*", "~service:*"),
                        commands.map(command ->
                                "+" + command.toLowerCase(Locale.ROOT).replace(' ', '|')))
                .collect(Collectors.toCollection(ArrayList::new));
    }
}
