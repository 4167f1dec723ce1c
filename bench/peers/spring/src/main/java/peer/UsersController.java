package peer;

import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.ValueOperations;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
class UsersController {

    private final ValueOperations<String, String> counts;

    UsersController(StringRedisTemplate redis) {
        counts = redis.opsForValue();
    }

    @GetMapping("/users/{id}")
    String read(@PathVariable String id) {
        String count = counts.get(key(id));
        return count == null ? "0" : count;
    }

    @PostMapping("/users/{id}")
    String increment(@PathVariable String id) {
        return Long.toString(counts.increment(key(id)));
    }

    @GetMapping("/healthz")
    String check() {
        return "✓";
    }

    private static String key(String id) {
        return "user:{" + id + "}";
    }
}
