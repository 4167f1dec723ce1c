package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.Jedis;
import usercounter.another.VisitsResource;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.ServerOnRedis;
import usercounter.testkit.Waiting;

/** A server that is told to stop, like a pod. */
class StopIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @RegisterExtension
    static final ServerOnRedis server = new ServerOnRedis(VisitsResource.class);

    @Test
    void aStopAnswersWhatIsInFlightAndEachAnswerClosesItsConnection() throws Exception {
        try (PackagedServer stopped = server.startAnother(Map.of("REDIS_TIMEOUT", "60s"));
                Jedis client = server.jedis();
                Socket probe = stopped.connect()) {
            stopped.get("/visits/a"); // opens the connection
            server.pauseWrites();
            var answers = Stream.generate(() -> stopped.postLater("/visits/a"))
                    .limit(16)
                    .toList();
            Waiting.until(
                    "an increment in flight",
                    PATIENCE,
                    () -> client.clientList().contains("cmd=incr"));
            assertThat(closes(stopped.get("/healthz")))
                    .isFalse(); // so this connection, the most recent one, is reused by the next request
            stopped.terminate();
            Waiting.until("the stop", PATIENCE, () -> closes(stopped.get("/healthz")));
            probe.getOutputStream()
                    .write("GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(probe.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                    .isEqualTo("HTTP/1.1 503");
            server.resumeWrites();

            for (var answer : answers) {
                assertThat(answer.get(1, TimeUnit.MINUTES).statusCode()).isEqualTo(200);
                assertThat(closes(answer.get())).isTrue();
            }
            assertThat(stopped.awaitExit()).isEqualTo(143);
        }
        assertThat(server.get("/visits/a").body()).isEqualTo("16");
    }

    private static boolean closes(HttpResponse<String> answer) {
        return answer.headers()
                .firstValue("Connection")
                .filter("close"::equalsIgnoreCase)
                .isPresent();
    }
}
