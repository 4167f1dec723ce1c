package usercounter.counters;

import static org.junit.jupiter.api.Assertions.assertEquals;

import jakarta.inject.Inject;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.stream.LongStream;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.importer.ZipImporter;
import org.jboss.shrinkwrap.api.spec.WebArchive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import usercounter.dev.RedisServer;
import usercounter.settings.Settings;

/** The CDI beans inside a Liberty server that Arquillian manages. */
@ExtendWith(ArquillianExtension.class)
class CountersIT {

    @Inject
    Counters counters;

    @Inject
    Settings settings;

    /** Runs only in this process, not in the server. So this method also starts the server's Redis. */
    @Deployment
    static WebArchive war() throws IOException {
        File war = new File(System.getProperty("war"));
        RedisServer redis = RedisServer.start(
                Files.createTempDirectory(war.getParentFile().toPath(), "redis"),
                Integer.parseInt(System.getenv("REDIS_URL").replaceAll(".*:", "")));
        Runtime.getRuntime().addShutdownHook(new Thread(redis::close));
        return ShrinkWrap.create(ZipImporter.class, "counters-it.war")
                .importFrom(war)
                .as(WebArchive.class);
    }

    @Test
    void settingsComeFromTheEnvironment() {
        assertEquals(Integer.parseInt(System.getenv("PORT")), settings.port());
        assertEquals(
                "redis://" + System.getenv("REDIS_URL") + "/0",
                settings.redis().orElseThrow().toString());
    }

    @Test
    void incrementsInOrder() {
        UserId user = new UserId("arquillian");
        assertEquals(0, counters.read(user).toCompletableFuture().join());

        List<CompletionStage<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            answers.add(counters.increment(user));
        }

        assertEquals(
                LongStream.rangeClosed(1, 1_000).boxed().toList(),
                answers.stream()
                        .map(answer -> answer.toCompletableFuture().join())
                        .toList());
        assertEquals(1_000, counters.read(user).toCompletableFuture().join());
    }

    @Test
    void aKeyCountsOnceHoweverOftenItIsInFlight() {
        UserId user = new UserId("arquillian-keyed");
        IdempotencyKey key = new IdempotencyKey("k", Optional.empty());

        List<CompletionStage<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            answers.add(counters.increment(user, key));
        }

        assertEquals(
                Collections.nCopies(1_000, 1L),
                answers.stream()
                        .map(answer -> answer.toCompletableFuture().join())
                        .toList());
        assertEquals(1, counters.read(user).toCompletableFuture().join());
    }
}
