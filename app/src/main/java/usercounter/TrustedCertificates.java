package usercounter;

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
 * A file of PEM certificates as a Java trust store, which is what Jedis takes.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7468">RFC 7468: PEM</a>
 */
final class TrustedCertificates {

    static final String STORE_TYPE = "PKCS12";

    /** Guards nothing: certificates are public, but a store without a password is not read. */
    static final char[] STORE_PASSWORD = "certificates".toCharArray();

    private TrustedCertificates() {}

    /**
     * @param file one or more X.509 certificates as PEM
     * @throws IOException if it cannot be read, or holds no certificate
     */
    static InputStream store(Path file) throws IOException {
        try (InputStream pem = Files.newInputStream(file)) {
            Collection<? extends Certificate> certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(pem);
            if (certificates.isEmpty()) {
                throw new GeneralSecurityException("no certificate");
            }
            KeyStore store = KeyStore.getInstance(STORE_TYPE);
            store.load(null, null);
            for (Certificate certificate : certificates) {
                store.setCertificateEntry(Integer.toString(store.size()), certificate);
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            store.store(bytes, STORE_PASSWORD);
            return new ByteArrayInputStream(bytes.toByteArray());
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }
}
