package usercounter;

import jakarta.ws.rs.ApplicationPath;
import jakarta.ws.rs.core.Application;
import org.eclipse.microprofile.openapi.annotations.Components;
import org.eclipse.microprofile.openapi.annotations.OpenAPIDefinition;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.info.Info;
import org.eclipse.microprofile.openapi.annotations.info.License;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;

/** The Jakarta REST application; it owns every path that no other Liberty feature serves. */
@ApplicationPath("/")
@OpenAPIDefinition(
        info =
                @Info(
                        title = "user-counter",
                        version = "1",
                        description = "Counts per user. An increment that was answered is on disk.",
                        license = @License(name = "Apache-2.0", url = "https://www.apache.org/licenses/LICENSE-2.0")),
        components =
                @Components(
                        parameters = {
                            @Parameter(
                                    name = UserId.PARAMETER,
                                    in = ParameterIn.PATH,
                                    required = true,
                                    description = "The user: 1 to 128 of RFC 3986's unreserved characters",
                                    schema = @Schema(type = SchemaType.STRING, pattern = UserId.PATTERN),
                                    example = "249"),
                            @Parameter(
                                    name = IdempotencyKey.HEADER,
                                    in = ParameterIn.HEADER,
                                    description =
                                            "Makes the request safe to repeat: with the same key for the same user "
                                                    + "it counts once and gets the same number, for the time that "
                                                    + "IDEMPOTENCY_KEY_TTL sets (24 h by default) or ttl, in seconds, if that is "
                                                    + "less. 1 to 128 printable ASCII characters in double quotes, a quote or "
                                                    + "backslash among them after a backslash (RFC 9651)",
                                    schema = @Schema(type = SchemaType.STRING, pattern = IdempotencyKey.PATTERN),
                                    example = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")
                        }))
public class CounterApplication extends Application {}
