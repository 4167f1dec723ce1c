package usercounter.redis.telemetry;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import jakarta.enterprise.inject.spi.CDI;

/**
 * Records a command as a span with one child for each step: {@code wait} until the batch before its own is complete, and
 * {@code batch} until its batch has the replies. Steps are spans, not events, since a span has a duration that every
 * tracing system shows and searches. No span has a key or an error text: both contain the user's id.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/db/redis/">Semantic conventions for Redis</a>
 */
final class RecordedTrace implements CommandTrace {

    /** From CDI, since Liberty's GlobalOpenTelemetry records nothing. */
    private static final Tracer TRACER =
            CDI.current().select(OpenTelemetry.class).get().getTracer("usercounter.redis");

    private final Span command;

    private volatile Span step;

    private RecordedTrace(String operation) {
        command = TRACER.spanBuilder(operation)
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute("db.system.name", "redis")
                .setAttribute("db.operation.name", operation)
                .startSpan();
        step = child("wait").startSpan();
    }

    static CommandTrace startIfSampled(String operation) {
        return Span.current().isRecording() ? new RecordedTrace(operation) : NONE;
    }

    private SpanBuilder child(String name) {
        return TRACER.spanBuilder(name).setParent(Context.root().with(command));
    }

    /** After a redirection of Redis Cluster, there is a second batch. */
    @Override
    public void sent(int commands) {
        if (command.isRecording()) { // otherwise the time-out was first
            SpanBuilder batch = child("batch");
            if (commands > 1) { // according to the conventions, one command is no batch
                batch.setAttribute("db.operation.batch.size", commands);
            }
            step.end();
            step = batch.startSpan();
        }
    }

    @Override
    public void replied() {
        step.end();
    }

    @Override
    public void completed(Throwable failure) {
        step.end();
        if (failure != null) {
            command.setAttribute("error.type", ErrorType.of(failure)).setStatus(StatusCode.ERROR);
        }
        command.end();
    }
}
