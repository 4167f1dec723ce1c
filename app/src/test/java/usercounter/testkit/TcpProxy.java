package usercounter.testkit;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A proxy on the loopback address, to replace the Redis behind an address, or to slow its answers down. */
public final class TcpProxy implements AutoCloseable {

    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Closeable> open = ConcurrentHashMap.newKeySet();
    private volatile int target;
    private volatile Duration pause = Duration.ZERO;

    /** @param target the local port that new connections lead to */
    public TcpProxy(int target) throws IOException {
        this.target = target;
        open.add(listener);
        start(this::accept);
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** Lets new connections lead to another port. Open connections do not change. */
    public void leadTo(int port) {
        target = port;
    }

    /** Sends answers byte by byte, with this pause before each byte. */
    public void trickle(Duration between) {
        pause = between;
    }

    private void accept() throws IOException {
        while (true) {
            Socket client = listener.accept();
            Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
            open.add(client);
            open.add(server);
            server.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
            start(() -> copy(client, server, false));
            start(() -> copy(server, client, true));
        }
    }

    private void copy(Socket from, Socket to, boolean answers) throws IOException {
        byte[] buffer = new byte[8192];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                if (answers && !pause.isZero()) {
                    for (int i = 0; i < length; i++) {
                        Thread.sleep(pause.toMillis());
                        out.write(buffer, i, 1);
                    }
                } else {
                    out.write(buffer, 0, length);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private interface Task {
        void run() throws IOException;
    }

    private static void start(Task task) {
        Thread thread = new Thread(() -> {
            try {
                task.run();
            } catch (IOException e) {
                // One side has closed its connection.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        for (Closeable socket : open) {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
