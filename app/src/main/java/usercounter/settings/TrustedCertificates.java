package usercounter.settings;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collection;

/**
 * Converts a file of PEM certificates to a Java trust store, which Jedis needs.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7468">RFC 7468: PEM</a>
 */
public final class TrustedCertificates {

    public static final String STORE_TYPE = "PKCS12";

    private static final String STORE_PASSWORD = "certificates";

    private TrustedCertificates() {}

    /** Not a secret: certificates are public, but Java does not read a trust store without a password. */
    public static char[] storePassword() {
        return STORE_PASSWORD.toCharArray();
    }

    /**
     * @param file one or more X.509 certificates as PEM
     * @throws IOException if the file cannot be read or contains no certificate
     */
    public static InputStream store(Path file) throws IOException {
        try (InputStream pem = Files.newInputStream(file)) {
            Collection<? extends Certificate> certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(pem);
            if (certificates.isEmpty()) {
                throw new GeneralSecurityException(file + " contains no certificate");
            }
            KeyStore store = KeyStore.getInstance(STORE_TYPE);
            store.load(null, null);
            for (Certificate certificate : certificates) {
                store.setCertificateEntry(Integer.toString(store.size()), certificate);
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            store.store(bytes, storePassword());
            return new ByteArrayInputStream(bytes.toByteArray());
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }
}
