package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/** Acknowledged counts of new users, to be found again after whatever happened since. */
final class Counts {

    private final Map<String, String> acknowledged = new TreeMap<>();

    /** Counts some new users, once or twice each. */
    Counts() {
        String run = "kept-" + UUID.randomUUID() + "-";
        String url = Cluster.url("/users/");
        for (int i = 0; i < 30; i++) {
            String user = run + i % 20;
            acknowledged.put(user, Http.post(url + user).body());
        }
        assertThat(acknowledged.values()).as("numbers before").containsOnly("1", "2");
    }

    /** Reads what was counted, however long an answer takes. It only reads: a count that was lost must not begin anew. */
    void assertKept() {
        Map<String, String> counts = new TreeMap<>();
        String url = Cluster.url("/users/");
        acknowledged.keySet().forEach(user -> counts.put(user, Http.untilAnswered(() -> Http.get(url + user))));
        assertThat(counts).isEqualTo(acknowledged);
    }
}
