package usercounter;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** The programs on the PATH. */
public final class Programs {

    private Programs() {}

    public static Optional<Path> find(String name) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    public static boolean isInstalled(String name) {
        return find(name).isPresent();
    }

    /** Whether tests can use a program. With CI=true, they must be able to. */
    public static boolean isInstalledOrNotRequired(String name) {
        if (!isInstalled(name) && "true".equals(System.getenv("CI"))) {
            throw new AssertionError("No " + name + " on the PATH: install it");
        }
        return isInstalled(name);
    }
}
