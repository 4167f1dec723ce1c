package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The example: users' numbers through the load balancer. */
@ExtendWith(Deployed.class)
class UsersIT {

    @Test
    void theSessionOfTheTutorial() {
        String user = Cluster.url("/users/session-" + System.nanoTime());

        assertThat(Http.get(user).body()).isEqualTo("0");
        assertThat(Http.post(user).body()).isEqualTo("1");
        assertThat(Http.post(user).body()).isEqualTo("2");
        assertThat(Http.post(user).body()).isEqualTo("3");
        assertThat(Http.get(user).body()).isEqualTo("3");
        assertThat(Http.get(user + "-other").body()).isEqualTo("0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users/a%20b", "/users/a%00", "/users/%2e%2e/metrics", "/users/..;/metrics"})
    void anIdThatIsNotAllowedIsAProblem(String path) {
        DeploymentIT.assertProblem(Http.get(Cluster.url(path)), 400);
    }
}
