package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/** Acknowledged counts of new users, to check later that none is lost. */
final class Counts {

    private final Map<String, String> acknowledged = new TreeMap<>();

    /** Counts some new users once or twice each. */
    Counts() {
        String run = "kept-" + UUID.randomUUID() + "-";
        String url = Cluster.url(Resource.path(""));
        for (int i = 0; i < 30; i++) {
            String user = run + i % 20;
            acknowledged.put(user, Http.post(url + user).body());
        }
        assertThat(acknowledged.values()).as("numbers of new users").containsOnly("1", "2");
    }

    /** Reads the counts again, also after an outage. It sends no POST: that would hide a lost count. */
    void assertKept() {
        Map<String, String> counts = new TreeMap<>();
        String url = Cluster.url(Resource.path(""));
        acknowledged.keySet().forEach(user -> counts.put(user, Http.untilAnswered(() -> Http.get(url + user))));
        assertThat(counts).isEqualTo(acknowledged);
    }
}
