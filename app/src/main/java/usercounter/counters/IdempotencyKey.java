package usercounter.counters;

import java.time.Duration;
import java.util.Optional;

/**
 * A client's identifier of one increment: requests with the same key for the same user count once.
 *
 * @param value 1 to 128 printable ASCII characters
 * @param ttl how long the client needs the key; empty for {@code IDEMPOTENCY_KEY_TTL}
 */
public record IdempotencyKey(String value, Optional<Duration> ttl) {}
