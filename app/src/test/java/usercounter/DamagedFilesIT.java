package usercounter;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import usercounter.dev.RedisServer;
import usercounter.testkit.InstalledRedis;
import usercounter.testkit.Waiting;

/** A real Redis with repair.sh and redis.conf of base/, as in its container, starts with damaged files. */
class DamagedFilesIT {

    private static final Path BASE = Path.of("..", "base", "redis").toAbsolutePath();
    private static final Path RUNBOOKS = Path.of("..", "docs", "runbooks.md");

    private static final int COUNT = 100;
    private static final int MOST = 1024 * 1024;
    private static final String INCREMENT = "*2\r\n$4\r\nINCR\r\n$5\r\ncount\r\n";
    private static final String TRANSACTION = "*1\r\n$5\r\nMULTI\r\n" + INCREMENT + "*1\r\n$4\r\nEXEC\r\n";

    private static final String LAST = "appendonly.aof.2.incr.aof";
    private static final String BASE_FILE = "appendonly.aof.2.base.rdb";
    private static final String MANIFEST = "appendonly.aof.manifest";

    /** Whole files with {@link #COUNT} increments: half in the base, the others in transactions and alone. */
    private static Map<String, String> whole;

    @TempDir
    static Path programs;

    @TempDir
    Path folder;

    private Path files;

    /** A change of the files, whose content is in ISO-8859-1, so that a character is a byte. */
    private interface Damage {
        void to(Map<String, String> files);
    }

    @BeforeAll
    static void count(@TempDir Path folder) throws IOException, InterruptedException {
        // One program does the work that its name says.
        for (String program : List.of("redis-check-aof", "redis-check-rdb")) {
            Files.copy(InstalledRedis.executable(), programs.resolve(program));
        }
        try (RedisServer redis = start(folder);
                RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            for (int i = 0; i < COUNT / 2; i++) {
                client.incr("count");
            }
            client.executeCommand(new CommandArguments(Protocol.Command.BGREWRITEAOF));
            Waiting.until("a new base", () -> client.info("persistence").contains("aof_rewrite_in_progress:0"));
            for (int i = COUNT / 2; i < COUNT; i += 2) {
                client.eval("redis.call('INCR', KEYS[1]) redis.call('SET', KEYS[2], '')", 2, "count", "key");
                client.incr("count");
            }
            redis.kill();
        }
        whole = read(folder.resolve("appendonlydir"));
        assertThat(whole).containsOnlyKeys(MANIFEST, BASE_FILE, LAST);
        assertThat(whole.get(LAST)).endsWith("EXEC\r\n" + "*2\r\n$4\r\nINCR\r\n$5\r\ncount\r\n");
    }

    @BeforeEach
    void restore() throws IOException {
        files = Files.createDirectory(folder.resolve("appendonlydir"));
        write(whole);
    }

    static Stream<Arguments> crashes() {
        return Stream.of(
                crash("a zero byte", "\0"),
                crash("a page of zero bytes", zeros(4096)),
                crash("as many zero bytes as Redis writes at most", zeros(MOST)),
                crash("a command without its last byte", cut(INCREMENT, 1)),
                crash("a command without its last line", cut(INCREMENT, 7)),
                crash("a command of one byte", "*"),
                crash("the beginning of a command, and zero bytes", cut(INCREMENT, 4) + zeros(5000)),
                crash("a command without its last two bytes, which are zero", cut(INCREMENT, 2) + "\0\0"),
                crash("a transaction without its end", cut(TRANSACTION, 14)),
                crash("a transaction that ends in EXEC, and zero bytes", cut(TRANSACTION, 4) + zeros(300)),
                crash("a binary value", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$90\r\n\0\1\r\0\377" + zeros(9)));
    }

    private static Arguments crash(String name, String end) {
        return Arguments.of(Named.of(name, end));
    }

    @ParameterizedTest
    @MethodSource
    void crashes(String end) throws Exception {
        write(Map.of(LAST, whole.get(LAST) + end));

        assertThat(countAfterAStart()).isEqualTo(COUNT + "");

        assertThat(read(files)).isEqualTo(whole);
        assertThat(read(folder.resolve("removed")))
                .hasSize(1)
                .allSatisfy((name, content) -> assertThat(content).isEqualTo(end));
        assertThat(log()).contains("the last %d bytes of %s were an incomplete command".formatted(end.length(), LAST));
    }

    static Stream<Arguments> faults() {
        String hidden = "damaged in a way that no crash explains";
        return Stream.of(
                fault("more zero bytes than Redis writes at most", hidden, append(zeros(MOST + 1))),
                fault("other bytes at the end", hidden, append("damage")),
                fault("zero bytes, and a command after them", hidden, append("\0\0\0\0" + INCREMENT)),
                fault("zero bytes in the middle", hidden, replace(LAST, "count\r\n*1\r\n", zeros(11))),
                fault("zero bytes in the last command", hidden, replaceLast("INCR\r\n$5\r\ncou", zeros(13))),
                fault("other bytes in the middle", hidden, replace(LAST, "*1\r\n$5\r\nMULTI", "\1\2\3\4damage\5\6\7")),
                fault("a length that exceeds the file", hidden, replace(LAST, "$5\r\ncount", "$999999\r\ncount")),
                fault("a number of words that exceeds the file", hidden, replace(LAST, "*2\r\n", "*9999\r\n")),
                fault("a length in the last command", hidden, replaceLast("$5\r\ncount", "$9\r\ncount")),
                fault("the end of a transaction", hidden, replace(LAST, "EXEC", "EXEX")),
                fault(
                        "a missing manifest",
                        MANIFEST + " is missing, and without it Redis would start empty",
                        files -> files.remove(MANIFEST)),
                fault("an empty manifest", "Found an empty AOF manifest", files -> files.put(MANIFEST, "")),
                fault("a missing file", LAST, files -> files.remove(LAST)),
                fault("a missing base", BASE_FILE, files -> files.remove(BASE_FILE)),
                fault("a damaged base", "RDB", replace(BASE_FILE, "count", "c\0unt")),
                fault("a cut base", "RDB", files -> files.compute(BASE_FILE, (name, base) -> cut(base, 20))),
                fault(
                        "a base of a newer Redis, before a downgrade",
                        "Can't handle RDB format version 9",
                        files -> files.compute(
                                BASE_FILE, (name, base) -> base.replaceFirst("(?<=^REDIS|^VALKEY)\\d(?=\\d+)", "9"))),
                fault("a cut in a file before the last one", "Unexpected end of file", files -> {
                    files.compute(LAST, (name, content) -> cut(content, 3));
                    files.put("appendonly.aof.3.incr.aof", INCREMENT);
                    files.merge(MANIFEST, "file appendonly.aof.3.incr.aof seq 3 type i\n", String::concat);
                }));
    }

    private static Arguments fault(String name, String log, Damage damage) {
        return Arguments.of(Named.of(name, damage), log);
    }

    @ParameterizedTest
    @MethodSource
    void faults(Damage damage, String log) throws Exception {
        Map<String, String> damaged = damaged(damage);

        assertThatThrownBy(this::countAfterAStart);

        assertThat(log()).contains(log);
        assertThat(read(files)).isEqualTo(damaged);
        assertThat(folder.resolve("removed")).doesNotExist();
    }

    /** The node IDs are in this file. The numbers of the node are on the other disk of its pair. */
    @Test
    void aDamagedListOfTheNodesOfRedisCluster() throws Exception {
        Path nodes = folder.resolve("nodes.conf");
        start(folder, "--cluster-enabled", "yes").close();
        String damaged = Files.readString(nodes).replace("myself", "\0\0\0\0\0\0");
        Files.writeString(nodes, damaged);

        assertThatThrownBy(() -> start(folder, "--cluster-enabled", "yes"));

        assertThat(log()).contains("corrupted cluster config file");
        assertThat(nodes).hasContent(damaged);
        assertThat(read(files)).isEqualTo(whole);
    }

    @Test
    void noFilesOnADiskOfRedisClusterThatHadAllData() throws Exception {
        for (String file : whole.keySet()) {
            Files.delete(files.resolve(file));
        }
        Files.delete(files);
        Files.createFile(folder.resolve("complete"));

        assertThatThrownBy(this::countAfterAStart);

        assertThat(log()).contains("Redis would start empty");
        assertThat(files).doesNotExist();
    }

    /** Redis writes the manifest last. */
    @Test
    void aFirstStartThatWasKilled() throws Exception {
        Path other = Files.createDirectory(folder.resolve("other"));
        start(other).close();
        Map<String, String> empty = read(other.resolve("appendonlydir"));
        empty.remove(MANIFEST);
        damaged(Map::clear);
        write(empty);

        assertThat(countAfterAStart()).isNull();
    }

    @Test
    void thePageWritesAMissingManifest() throws Exception {
        damaged(files -> files.remove(MANIFEST));

        runThePage("The manifest is missing");

        assertThat(countAfterAStart()).isEqualTo(COUNT + "");
    }

    @Test
    void thePageRepairsACopy() throws Exception {
        Map<String, String> damaged = damaged(replaceLast("$5\r\ncount", zeros(9)));

        runThePage("Repair a copy");

        assertThat(countAfterAStart()).isEqualTo(COUNT - 1 + "");
        assertThat(read(folder.resolve("damaged"))).isEqualTo(damaged);
    }

    /** Runs the commands below a heading, which are for the shell of a pod with the disk. */
    private void runThePage(String heading) throws IOException, InterruptedException {
        String page = Files.readString(RUNBOOKS);
        String section =
                page.substring(page.indexOf("\n### " + heading + "\n") + 1).split("\n#+ ", 3)[0];
        String commands = Pattern.compile("(?m)^\\$ (.*)")
                .matcher(section)
                .results()
                .map(command -> command.group(1).replace("/data", folder.toString()))
                .collect(Collectors.joining("\n"));
        assertThat(commands).as(heading).isNotEmpty();
        assertThat(run(folder, "sh", "-ec", commands)).as(log()).isZero();
    }

    private Map<String, String> damaged(Damage damage) throws IOException {
        Map<String, String> damaged = new TreeMap<>(whole);
        damage.to(damaged);
        assertThat(damaged).isNotEqualTo(whole);
        for (String file : whole.keySet()) {
            Files.delete(files.resolve(file));
        }
        write(damaged);
        return damaged;
    }

    private static Damage append(String end) {
        return files -> files.merge(LAST, end, String::concat);
    }

    private static Damage replace(String file, String part, String by) {
        return files -> files.compute(file, (name, content) -> {
            int start = content.indexOf(part);
            return content.substring(0, start) + by + content.substring(start + part.length());
        });
    }

    private static Damage replaceLast(String part, String by) {
        return files -> files.compute(LAST, (name, content) -> {
            int start = content.lastIndexOf(part);
            return content.substring(0, start) + by + content.substring(start + part.length());
        });
    }

    private static String cut(String content, int bytes) {
        return content.substring(0, content.length() - bytes);
    }

    private static String zeros(int count) {
        return "\0".repeat(count);
    }

    private void write(Map<String, String> contents) throws IOException {
        for (var content : contents.entrySet()) {
            Files.writeString(files.resolve(content.getKey()), content.getValue(), ISO_8859_1);
        }
    }

    private static Map<String, String> read(Path folder) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Files.readString(file, ISO_8859_1));
            }
        }
        return contents;
    }

    private String log() throws IOException {
        return Files.readString(folder.resolve("redis.log"), ISO_8859_1);
    }

    private String countAfterAStart() throws IOException, InterruptedException {
        try (RedisServer redis = start(folder);
                RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            return client.get("count");
        }
    }

    /** Starts Redis by the commands of the container. */
    private static RedisServer start(Path folder, String... options) throws IOException, InterruptedException {
        assertThat(run(folder, "sh", BASE.resolve("repair.sh").toString(), folder.toString()))
                .as("exit code of repair.sh")
                .isZero();
        Path configuration = Files.writeString(
                folder.resolve("redis.conf"),
                Files.readString(BASE.resolve("redis.conf")).replace("dir /data", "dir " + folder));
        return InstalledRedis.start(
                folder,
                RedisServer.freePort(),
                Stream.concat(Stream.of("--include", configuration.toString()), Stream.of(options))
                        .toArray(String[]::new));
    }

    /** Adds the output to Redis's log, and returns the exit code. */
    private static int run(Path folder, String... command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        folder.resolve("redis.log").toFile()));
        builder.environment().merge("PATH", programs.toString(), (path, first) -> first + File.pathSeparator + path);
        Process process = builder.start();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }
}
