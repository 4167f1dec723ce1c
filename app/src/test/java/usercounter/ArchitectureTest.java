package usercounter;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Dependencies between packages have one direction. */
class ArchitectureTest {

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("usercounter");

    @Test
    void eachPackageUsesOnlyThoseBelowIt() {
        layeredArchitecture()
                .consideringOnlyDependenciesInAnyPackage("usercounter..")
                .layer("api")
                .definedBy("usercounter.api")
                .layer("operations")
                .definedBy("usercounter.operations")
                .layer("dev")
                .definedBy("usercounter.dev")
                .layer("counters")
                .definedBy("usercounter.counters")
                .layer("redis")
                .definedBy("usercounter.redis")
                .layer("settings")
                .definedBy("usercounter.settings")
                .layer("logging")
                .definedBy("usercounter")
                .whereLayer("api")
                .mayOnlyAccessLayers("counters", "logging")
                .whereLayer("operations")
                .mayOnlyAccessLayers("counters", "redis", "settings", "logging")
                .whereLayer("dev")
                .mayOnlyAccessLayers("redis", "settings", "logging")
                .whereLayer("counters")
                .mayOnlyAccessLayers("redis", "settings", "logging")
                .whereLayer("redis")
                .mayOnlyAccessLayers("settings", "logging")
                .whereLayer("settings")
                .mayNotAccessAnyLayer()
                .whereLayer("logging")
                .mayNotAccessAnyLayer()
                .ensureAllClassesAreContainedInArchitecture()
                .check(CLASSES);
    }
}
