package usercounter.api;

import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.ext.Provider;
import jakarta.ws.rs.ext.ReaderInterceptor;
import jakarta.ws.rs.ext.ReaderInterceptorContext;
import java.io.IOException;

/** A body that cannot be read, and JSON's {@code null}, is 400. The exceptions of JSON-B and others would be 500. */
@Provider
public class BodyCheck implements ReaderInterceptor {

    @Override
    public Object aroundReadFrom(ReaderInterceptorContext context) throws IOException {
        Object body = null;
        Exception reason = null;
        try {
            body = context.proceed();
        } catch (WebApplicationException e) {
            throw e;
        } catch (RuntimeException e) {
            reason = e;
        }
        if (body == null) {
            throw new BadRequestException("The body is malformed, or not as /docs describes it", reason);
        }
        return body;
    }
}
