package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UserIdTest {

    @ParameterizedTest
    @ValueSource(strings = {"0", "249", "a.b-c_d~E", "...", ".a", "a..", LONGEST_128})
    void takesUnreservedCharacters(String id) {
        assertThat(new UserId(id).value()).isEqualTo(id);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                ".",
                "..",
                "a b",
                "a/b",
                "a+b",
                "a%41",
                "a\n",
                "\n",
                "é",
                "{1}",
                "a:b",
                LONGEST_128 + "x"
            })
    void refusesAnythingElse(String id) {
        assertThatThrownBy(() -> new UserId(id)).isInstanceOf(IllegalArgumentException.class);
    }

    private static final String LONGEST_128 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
            + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
}
