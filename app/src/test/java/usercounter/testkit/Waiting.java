package usercounter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for a condition, and fails if it does not become true in time. */
public final class Waiting {

    private Waiting() {}

    /** Waits for at most a minute. */
    public static void until(String what, BooleanSupplier condition) {
        until(what, Duration.ofMinutes(1), condition);
    }

    /** Waits for at most this time. */
    public static void until(String what, Duration patience, BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - start)
                    .as("nanoseconds of waiting for: " + what)
                    .isLessThan(patience.toNanos());
            LockSupport.parkNanos(50_000_000);
        }
    }
}
