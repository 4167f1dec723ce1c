package usercounter.manifests;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import usercounter.Repository;

/** Base class with a copy of this repository, for overlays that tests write. */
abstract class OverlaysInACopy {

    @TempDir
    static Path repository;

    @BeforeAll
    static void copy() {
        Repository.copyTo(repository);
    }
}
