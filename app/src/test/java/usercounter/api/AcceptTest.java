package usercounter.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.properties.HasAnnotations;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import jakarta.ws.rs.Produces;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AcceptTest {

    private static final List<String> OFFERED = List.of("text/plain", "application/json");

    /** Otherwise every request that accepts this type alone would get 406. */
    @Test
    void everyTypeThatAResourceProducesIsOffered() {
        Stream<HasAnnotations<?>> resources = new ClassFileImporter()
                .importPackages("usercounter").stream()
                        .flatMap(type -> Stream.concat(Stream.of(type), type.getMethods().stream()));

        assertThat(resources
                        .flatMap(element -> element.tryGetAnnotationOfType(Produces.class).stream())
                        .flatMap(produces -> Stream.of(produces.value())))
                .hasSizeGreaterThan(2)
                .isSubsetOf(HeaderFilter.OFFERED);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "''                                       | text/plain, application/json",
                "','                                      | text/plain, application/json",
                "*/*                                      | text/plain, application/json",
                "*                                        | text/plain, application/json",
                "* ; q=.2                                 | text/plain, application/json",
                "application/json, text/plain             | text/plain, application/json",
                "*/*, application/json                    | application/json, text/plain",
                "APPLICATION/JSON                         | application/json",
                "application/*                            | application/json",
                "text/html, */*;q=0.8                     | text/plain, application/json",
                "text/plain;q=0.4, application/json;q=.5  | application/json, text/plain",
                "text/plain;q=1.000, */*;q=0.999          | text/plain, application/json",
                "text/*;q=0.3, text/plain;q=0.2, */*;q=.1 | text/plain, application/json",
                "text/plain;q=0.2, text/*;q=0.9, */*;q=.3 | application/json, text/plain",
                "text/plain;q=0, */*                      | application/json",
                "text/*;q=0.000, */*                      | application/json",
                "text/plain;q=0                           | ''",
                "*/*;q=0                                  | ''",
                "image/png                                | ''",
                "text/plain-not                           | ''",
                "application/json;charset=utf-8           | application/json",
                "application/json;a=b;q=0                 | ''",
                "application/json;a=b;q=0.5;c             | application/json",
                "application/json;a=\"q=0,;\\\",\\\\\"       | application/json",
                "application/json\t ;\t Q=1.\t ,,          | application/json",
            })
    void choosesWhatTheClientPrefers(String accept, String chosen) {
        assertThat(String.join(", ", new Accept(List.of(accept)).choose(OFFERED)))
                .isEqualTo(chosen);
    }

    @Test
    void mergesSeveralHeaders() {
        assertThat(new Accept(List.of("text/plain;q=0", "*/*")).choose(OFFERED)).containsExactly("application/json");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "garbage",
                "garbage;;",
                ";q=1",
                "text/",
                "/plain",
                "text/plain/x",
                "text plain",
                "text/plain text/html",
                "\"text/plain\"",
                "text/plain;q=",
                "text/plain;q=x",
                "text/plain;q=2",
                "text/plain;q=1.01",
                "text/plain;q=-1",
                "text/plain;q=.",
                "text/plain;q=\"0\"",
                "text/plain;q=0x1p-1",
            })
    void refusesWhatIsNoMediaRange(String accept) {
        assertThatThrownBy(() -> new Accept(List.of(accept)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("Accept is");
    }
}
