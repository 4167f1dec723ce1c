package usercounter.cluster;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** The way in of {@code tests/overlays/gateway}, through Traefik. No DNS record leads to it. */
final class Gateway {

    static final String NAMESPACE = "traefik";

    /** The host of the overlay. */
    static final String HOST = "traefik.traefik.svc.cluster.local";

    private Gateway() {}

    /** Whether the cluster has Traefik and its GatewayClass. */
    static boolean isInstalled() {
        return Shell.attempt("kubectl", "get", "gatewayclass/traefik").exitCode() == 0;
    }

    /** The address of the load balancer in front of the gateway. */
    static String address() {
        return Cluster.kubectlIn(
                NAMESPACE, "get", "service", "traefik", "--output=jsonpath={.status.loadBalancer.ingress[0].ip}");
    }

    /** Asks for the host, though the URL has an address. */
    static SSLParameters serverName() {
        SSLParameters parameters = new SSLParameters();
        parameters.setServerNames(List.of(new SNIHostName(HOST)));
        return parameters;
    }

    /** Trusts every certificate: GatewayIT checks it with curl, as a client that trusts only the authority. */
    static SSLContext trust() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new TrustEverything()}, new SecureRandom());
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static final class TrustEverything extends X509ExtendedTrustManager {

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
