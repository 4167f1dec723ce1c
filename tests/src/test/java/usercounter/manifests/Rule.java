package usercounter.manifests;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * One thing that must be true of the objects of every overlay. To add a rule, add a constant to the enum of its theme,
 * and a file named for it, with a fault that breaks it, to {@code src/test/resources/faults}.
 */
interface Rule {

    /** Adds one complaint for everything in the manifests that breaks this rule. */
    void check(Manifests manifests, Complaints complaints);

    /** The name of the constant. */
    String name();

    /** The name in complaints and of the fault file, such as {@code service-selector}. */
    default String title() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The rules for what has passed those of the {@link SchemaRule schema}. */
    private static Stream<Rule> invariants() {
        return Stream.of(
                        ObjectRule.values(),
                        ReferenceRule.values(),
                        NetworkRule.values(),
                        AvailabilityRule.values(),
                        ResourceRule.values(),
                        PodSecurityRule.values(),
                        SecurityRule.values())
                .flatMap(Stream::of);
    }

    static List<Rule> all() {
        return Stream.concat(Stream.of(SchemaRule.values()), invariants()).toList();
    }

    /** All that is wrong with these manifests, one line for each complaint. */
    static List<String> complaints(Manifests manifests) {
        var lines = new ArrayList<String>();
        for (var rule : SchemaRule.values()) {
            rule.check(manifests, new Complaints(rule, lines));
        }
        if (lines.isEmpty()) {
            invariants().forEach(rule -> rule.check(manifests, new Complaints(rule, lines)));
        }
        return lines;
    }
}
