package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import usercounter.cluster.ExactlyOnce.Tally;

/** The result of the checker for the answers and the final number of one user. */
class ExactlyOnceTest {

    @Test
    void eachAnswerOnceUpToTheNumberIsRight() {
        assertFound(Tally.of(List.of(3L, 1L, 2L), 3), 0, 0);
    }

    @Test
    void answersBeyondTheNumberAreLost() {
        assertFound(Tally.of(List.of(1L, 2L, 3L), 1), 2, 0);
    }

    @Test
    void anAnswerGivenAgainMeansThatTheFirstOneWasLost() {
        assertFound(Tally.of(List.of(1L, 2L, 3L, 2L, 3L), 3), 2, 0);
    }

    @Test
    void numbersThatNobodyGotWereCountedTwice() {
        assertFound(Tally.of(List.of(1L, 4L), 5), 0, 3);
    }

    private static void assertFound(Tally tally, long lost, long doubled) {
        assertThat(tally.lost()).as("lost").isEqualTo(lost);
        assertThat(tally.doubled()).as("double").isEqualTo(doubled);
    }
}
