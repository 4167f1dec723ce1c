package usercounter.cluster;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Something that only one JVM of the tests uses at a time, until {@link #end}. */
final class Exclusively {

    private final FileChannel file;

    /** Waits for the other JVMs. */
    Exclusively(String what) {
        try {
            file = FileChannel.open(Path.of("target", what + ".lock"), CREATE, WRITE);
            file.lock();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void end() {
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
