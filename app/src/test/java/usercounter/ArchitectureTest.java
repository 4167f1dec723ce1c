package usercounter;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
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
                .optionalLayer("counters") // a team may delete it
                .definedBy("usercounter.counters")
                .layer("api")
                .definedBy("usercounter.api")
                .layer("operations")
                .definedBy("usercounter.operations")
                .layer("dev")
                .definedBy("usercounter.dev")
                .layer("redis")
                .definedBy("usercounter.redis")
                .layer("telemetry")
                .definedBy("usercounter.redis.telemetry")
                .layer("pipeline")
                .definedBy("usercounter.redis.pipeline")
                .layer("settings")
                .definedBy("usercounter.settings")
                .layer("logging")
                .definedBy("usercounter")
                .whereLayer("counters")
                .mayOnlyAccessLayers("api", "redis", "settings", "logging")
                .whereLayer("api")
                .mayOnlyAccessLayers("redis", "logging")
                .whereLayer("operations")
                .mayOnlyAccessLayers("redis", "settings", "logging")
                .whereLayer("dev")
                .mayOnlyAccessLayers("redis", "settings", "logging")
                .whereLayer("redis")
                .mayOnlyAccessLayers("telemetry", "pipeline", "settings", "logging")
                .whereLayer("telemetry")
                .mayOnlyAccessLayers("pipeline", "logging")
                .whereLayer("pipeline")
                .mayNotAccessAnyLayer()
                .whereLayer("settings")
                .mayNotAccessAnyLayer()
                .whereLayer("logging")
                .mayNotAccessAnyLayer()
                .ensureAllClassesAreContainedInArchitecture()
                .check(CLASSES);
    }

    /** So that a team can replace the example: it deletes the package here and in the tests, and the rest remains. */
    @Test
    void nothingElseUsesTheExampleNotEvenATest() {
        noClasses()
                .that()
                .resideOutsideOfPackage("usercounter.counters")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("usercounter.counters")
                .check(new ClassFileImporter().importPackages("usercounter"));
    }
}
