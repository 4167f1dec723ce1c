package usercounter.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/** Clients that send one request after another, up to 400 a second together, until they are told to stop. */
final class Clients {

    private static final int NUMBER = 8;

    /** Between a client's requests. Without it they take a small machine's cores from the pods that are to start. */
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final ExecutorService threads = Executors.newFixedThreadPool(NUMBER);
    private final List<CompletableFuture<Void>> running = new ArrayList<>();
    private volatile boolean over;

    /** @param request sends the n-th request of them all, and waits for its answer */
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

    /** Lets each client finish its request; fails as the first one did that failed. */
    void stop() {
        over = true;
        CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)).join();
    }
}
