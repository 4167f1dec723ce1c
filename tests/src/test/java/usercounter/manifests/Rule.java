package usercounter.manifests;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * A rule for the objects of every overlay. To add a rule, add a constant to the enum of its subject. Then add a fault
 * that breaks the rule, in a file named by the rule's title, to {@code src/test/resources/faults}.
 */
interface Rule {

    /** Adds one complaint for each violation of this rule in the manifests. */
    void check(Manifests manifests, Complaints complaints);

    /** The name of the constant. */
    String name();

    /** The title in complaints and in the name of the fault file, such as {@code service-selector}. */
    default String title() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The rules for objects as models of the client, even if they break a {@link SchemaRule}. */
    private static Stream<Rule> invariants() {
        return Stream.of(
                        ObjectRule.values(),
                        ReferenceRule.values(),
                        NetworkRule.values(),
                        AvailabilityRule.values(),
                        ResourceRule.values(),
                        ImageRule.values(),
                        PodSecurityRule.values(),
                        SecurityRule.values(),
                        DataRule.values())
                .flatMap(Stream::of);
    }

    static List<Rule> all() {
        return Stream.concat(Stream.of(SchemaRule.values()), invariants()).toList();
    }

    /** All violations in these manifests, one line for each complaint. */
    static List<String> complaints(Manifests manifests) {
        var lines = new ArrayList<String>();
        for (var rule : SchemaRule.values()) {
            rule.check(manifests, new Complaints(rule, lines));
        }
        if (manifests.canBeTyped()) {
            var fitTheSchema = lines.isEmpty();
            invariants().forEach(rule -> {
                try {
                    rule.check(manifests, new Complaints(rule, lines));
                } catch (RuntimeException e) {
                    // SchemaRule has already reported objects that do not fit the schema.
                    if (fitTheSchema) {
                        throw e;
                    }
                }
            });
        }
        return lines;
    }
}
