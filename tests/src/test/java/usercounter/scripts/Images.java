package usercounter.scripts;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import usercounter.manifests.Kustomize;

/**
 * A style of {@code images:} in the kustomization.yaml of an overlay with two containers: {@code user-counter} and a
 * Redis.
 *
 * @param what the description of the style
 * @param text the text with {@code %1$s} for the name of the image and {@code %2$s} for a digest
 * @param redis the rendered image of the Redis
 */
record Images(String what, String text, String redis) {

    static final String OVERLAY = "edited";
    static final String KUSTOMIZATION = "overlays/" + OVERLAY + "/kustomization.yaml";
    static final String DIGEST = "sha256:" + "0123456789abcdef".repeat(4);

    private static final Pattern IMAGE = Pattern.compile("image: (.+)");

    static Images canonical() {
        return new Images("as in this repository", """
                images:
                  - name: user-counter
                    newName: %1$s
                    newTag: 1.0.0
                    digest: %2$s
                """);
    }

    private Images(String what, String text) {
        this(what, text, "redis:8");
    }

    static List<Images> all() {
        return List.of(
                canonical(),
                new Images("as 'kustomize edit' orders it", """
                        images:
                        - digest: %2$s
                          name: user-counter
                          newName: %1$s
                          newTag: 1.0.0
                        """),
                new Images("a digest and no tag", """
                        images:
                        - digest: %2$s
                          name: user-counter
                          newName: %1$s
                        """),
                new Images("on one line", """
                        images: [{name: user-counter, newName: %1$s, newTag: 1.0.0}]
                        """),
                new Images("a name and no tag", """
                        images:
                        - newName: %1$s
                          name: user-counter
                        """),
                new Images("tag and digest in one", """
                        images:
                        - name: user-counter
                          newName: %1$s
                          newTag: 1.0.0@%2$s
                        """),
                new Images("quotes, comments and empty lines", """
                        # Before
                        images: # which
                            # Before it

                            - name: 'user-counter' # ours

                              digest: "%2$s"
                            # In it
                              newName:   "%1$s"
                              newTag: '1.0.0'   # why

                        labels: []
                        """),
                new Images("mirrors before and after it", """
                        images:
                          - name: redis
                            newName: mirror.example/redis
                            newTag: 8.1.2
                          - name: user-counter
                            newName: %1$s
                            digest: %2$s
                            newTag: 1.0.0
                          - newTag: 1.2.3
                            name: nginx
                        labels: []
                        """, "mirror.example/redis:8.1.2"));
    }

    /** Adds an overlay with only this {@code images:}. */
    void writeTo(WorkingTree tree, String image) throws IOException {
        var folder = tree.root().resolve("overlays").resolve(OVERLAY);
        Files.createDirectories(folder);
        Files.writeString(
                folder.resolve("kustomization.yaml"), "resources: [backend.yaml]\n" + text.formatted(image, DIGEST));
        Files.writeString(folder.resolve("backend.yaml"), """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: backend}
                spec: {template: {spec: {containers: [{image: user-counter}, {image: redis:8}]}}}
                """);
    }

    /** The images in the rendered overlay. */
    static Stream<String> render(WorkingTree tree) throws IOException, InterruptedException {
        return IMAGE.matcher(
                        Kustomize.KUBECTL.build(tree.root().resolve("overlays").resolve(OVERLAY)))
                .results()
                .map(image -> image.group(1));
    }

    @Override
    public String toString() {
        return what;
    }
}
