package usercounter.api;

import jakarta.ws.rs.ApplicationPath;
import jakarta.ws.rs.core.Application;
import jakarta.ws.rs.core.HttpHeaders;
import org.eclipse.microprofile.openapi.annotations.Components;
import org.eclipse.microprofile.openapi.annotations.OpenAPIDefinition;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.headers.Header;
import org.eclipse.microprofile.openapi.annotations.info.Info;
import org.eclipse.microprofile.openapi.annotations.info.License;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.servers.Server;
import usercounter.counters.UserId;

/** The Jakarta REST application. It serves every path that no other Liberty feature serves. */
@ApplicationPath("/")
@OpenAPIDefinition(
        info =
                @Info(
                        title = "user-counter",
                        version = "1",
                        description = "Counts per user. An acknowledged increment is on disk.",
                        license = @License(name = "Apache-2.0", url = "https://www.apache.org/licenses/LICENSE-2.0")),
        servers = @Server(url = "/"),
        components =
                @Components(
                        headers =
                                @Header(
                                        name = HttpHeaders.RETRY_AFTER,
                                        description = "Number of seconds to wait before the next try",
                                        schema = @Schema(type = SchemaType.INTEGER, minimum = "0")),
                        parameters = {
                            @Parameter(
                                    name = UsersResource.ID,
                                    in = ParameterIn.PATH,
                                    required = true,
                                    description =
                                            "The user: 1 to 128 of RFC 3986's unreserved characters, but neither '.' nor '..'",
                                    schema = @Schema(type = SchemaType.STRING, pattern = UserId.PATTERN),
                                    example = "249"),
                            @Parameter(
                                    name = IdempotencyKeyHeader.NAME,
                                    in = ParameterIn.HEADER,
                                    description =
                                            "Makes the request safe to repeat: requests with the same key for the same "
                                                    + "user count once and get the same number. Redis keeps a key for "
                                                    + "IDEMPOTENCY_KEY_TTL (24 h by default), or for ttl seconds if that is "
                                                    + "less. 1 to 128 printable ASCII characters in double quotes; a quote or "
                                                    + "backslash among them is escaped by a backslash (RFC 9651)",
                                    schema = @Schema(type = SchemaType.STRING, pattern = IdempotencyKeyHeader.PATTERN),
                                    example = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")
                        }))
public class CounterApplication extends Application {}
