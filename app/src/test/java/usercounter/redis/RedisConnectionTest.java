package usercounter.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Connection;
import redis.clients.jedis.JedisClientConfig;
import usercounter.dev.RedisServer;
import usercounter.redis.telemetry.ErrorType;
import usercounter.settings.RedisAddress;
import usercounter.settings.Settings;

@Timeout(60)
class RedisConnectionTest {

    private static final String STORE_PASSWORD = "not a secret";

    @TempDir
    Path folder;

    private static Settings settings(Optional<Path> caFile) {
        return new Settings(
                1323,
                Optional.empty(),
                Optional.empty(),
                caFile,
                0,
                Settings.Durability.CHECKED,
                Duration.ofSeconds(2),
                Duration.ofHours(24));
    }

    @Test
    void aHostThatTakesNoConnectionIsTriedAgainWithinTheTimeout() {
        JedisClientConfig config = RedisConnection.clientConfig(
                RedisAddress.parse("REDIS_URL", "localhost:6379"), settings(Optional.empty()));

        assertThat(config.getConnectionTimeoutMillis()).isBetween(1, config.getSocketTimeoutMillis() / 2);
    }

    @Test
    void aConnectionThatDoesNotOpenNamesTheReason() throws Exception {
        KeyStore localhost = newCertificate("localhost");
        KeyStore another = newCertificate("another");
        Path trusted = pem(localhost);

        assertThat(reason("redis://nowhere.invalid", Optional.empty()))
                .contains("UnknownHostException", "nowhere.invalid");
        assertThat(reason("redis://localhost:" + RedisServer.freePort(), Optional.empty()))
                .contains("Connection refused");
        try (SSLServerSocket server = serve(localhost)) {
            String url = "rediss://localhost:" + server.getLocalPort();
            assertThat(reason(url, Optional.of(pem(another)))).contains("unable to find valid certification path");
            assertThat(reason(url, Optional.of(Files.createFile(folder.resolve("empty")))))
                    .contains("contains no certificate");
            assertThat(reason(url.replace("localhost", "127.0.0.1"), Optional.of(trusted)))
                    .contains("No subject alternative names matching IP address 127.0.0.1");
        }
    }

    private static String reason(String url, Optional<Path> caFile) {
        RedisAddress address = RedisAddress.parse("REDIS_URL", url);
        return ErrorType.reason(catchThrowable(() -> {
            try (Connection connection =
                    new Connection(address.nodes().get(0), RedisConnection.clientConfig(address, settings(caFile)))) {
                connection.ping();
            }
        }));
    }

    /** A key and a certificate that it has signed itself, for this name. */
    private KeyStore newCertificate(String name) throws IOException, InterruptedException, GeneralSecurityException {
        Path file = folder.resolve(name + ".p12");
        new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=" + name,
                        "-ext",
                        "SAN=dns:" + name,
                        "-keystore",
                        file.toString(),
                        "-storepass",
                        STORE_PASSWORD)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream bytes = Files.newInputStream(file)) {
            store.load(bytes, STORE_PASSWORD.toCharArray());
        }
        return store;
    }

    private Path pem(KeyStore store) throws IOException, GeneralSecurityException {
        byte[] certificate = store.getCertificate("mykey").getEncoded();
        return Files.writeString(
                Files.createTempFile(folder, "ca", ".pem"),
                "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
                        .formatted(Base64.getMimeEncoder().encodeToString(certificate)));
    }

    /** A server that does nothing but shake hands. */
    private static SSLServerSocket serve(KeyStore store) throws IOException, GeneralSecurityException {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, STORE_PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket server =
                (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0);
        Thread thread = new Thread(() -> {
            while (!server.isClosed()) {
                try (SSLSocket client = (SSLSocket) server.accept()) {
                    client.startHandshake();
                } catch (IOException e) {
                    // The client does not trust the certificate, or the test is over.
                }
            }
        });
        thread.setDaemon(true);
        thread.start();
        return server;
    }
}
