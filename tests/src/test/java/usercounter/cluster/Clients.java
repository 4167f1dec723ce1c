package usercounter.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;

/** Clients that each send one request after another, in total up to 400 a second, until {@link #stop}. */
final class Clients {

    private static final int NUMBER = 8;

    /** The pause between the requests of a client, so that starting pods get enough CPU on a small machine. */
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final ExecutorService threads = Executors.newFixedThreadPool(NUMBER);
    private final List<CompletableFuture<Void>> running = new ArrayList<>();
    private volatile boolean over;

    /** @param request sends the n-th request of all clients, and waits for its answer */
    Clients(IntConsumer request) {
        for (int i = 0; i < NUMBER; i++) {
            int client = i;
            running.add(CompletableFuture.runAsync(
                    () -> {
                        for (int n = client; !over; n += NUMBER) {
                            request.accept(n);
                            LockSupport.parkNanos(PAUSE.toNanos());
                        }
                    },
                    threads));
        }
        threads.shutdown();
    }

    /** Waits for a condition. Ends early if a client fails; then {@link #stop} fails with the reason. */
    void await(String what, Duration patience, BooleanSupplier condition) {
        Cluster.await(
                what,
                patience,
                () -> condition.getAsBoolean()
                        || running.stream().anyMatch(CompletableFuture::isCompletedExceptionally));
    }

    /** Stops the clients after their current requests. Fails with the first failure of a client. */
    void stop() {
        over = true;
        CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)).join();
    }
}
