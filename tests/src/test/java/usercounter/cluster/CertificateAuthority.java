package usercounter.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * A certificate authority that issues certificates for servers. The JDK's keytool creates everything, as PEM.
 *
 * @see <a href="https://docs.oracle.com/en/java/javase/17/docs/specs/man/keytool.html">keytool</a>
 */
final class CertificateAuthority {

    private static final String PASSWORD = "changeit";

    private final Path file;

    /** @param folder for the key store */
    CertificateAuthority(Path folder) throws IOException {
        file = Files.createTempDirectory(folder, "authority").resolve("keys.p12");
        generateKeyPair("-alias", "authority", "-dname", "CN=An authority", "-ext", "bc:c");
    }

    /** The certificate of the authority. */
    String certificate() throws IOException, GeneralSecurityException {
        return pem("CERTIFICATE", keys().getCertificate("authority").getEncoded());
    }

    /** The key and the certificate of a server with an IP address. */
    String keyAndCertificate(String address) throws IOException, GeneralSecurityException {
        generateKeyPair(
                "-alias", address, "-dname", "CN=A server", "-ext", "san=ip:" + address, "-signer", "authority");
        KeyStore keys = keys();
        return pem("PRIVATE KEY", keys.getKey(address, PASSWORD.toCharArray()).getEncoded())
                + pem("CERTIFICATE", keys.getCertificate(address).getEncoded());
    }

    private void generateKeyPair(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-keystore",
                file.toString(),
                "-storepass",
                PASSWORD));
        command.addAll(Arrays.asList(arguments));
        Shell.run(command.toArray(String[]::new));
    }

    private KeyStore keys() throws IOException, GeneralSecurityException {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        return keys;
    }

    private static String pem(String type, byte[] content) {
        String lines = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                .encodeToString(content);
        return "-----BEGIN %1$s-----\n%2$s\n-----END %1$s-----\n".formatted(type, lines);
    }
}
