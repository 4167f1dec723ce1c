package usercounter.manifests;

import java.util.HashMap;
import java.util.Objects;

/** The images of the containers. */
enum ImageRule implements Rule {
    /** A sidecar must have the version of the server. The same image may come from different registries. */
    ONE_VERSION {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            var images = new HashMap<String, String>();
            manifests.forEachContainer((template, container) -> {
                var image = Objects.requireNonNullElse(container.getImage(), "");
                var first = images.putIfAbsent(nameOf(image), image);
                if (first != null && !versionOf(first).equals(versionOf(image))) {
                    complaints.add(
                            template,
                            "container %s runs %s, but another container runs %s: give both the same tag and digest",
                            container.getName(),
                            image,
                            first);
                }
            });
        }
    };

    /** The last part of the image's path, such as redis. */
    private static String nameOf(String image) {
        return lastPart(image).split("[:@]", 2)[0];
    }

    /** The tag and digest, such as :8-alpine. */
    private static String versionOf(String image) {
        return lastPart(image).substring(nameOf(image).length());
    }

    private static String lastPart(String image) {
        return image.substring(image.lastIndexOf('/') + 1);
    }
}
