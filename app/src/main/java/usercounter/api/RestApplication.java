package usercounter.api;

import jakarta.ws.rs.ApplicationPath;
import jakarta.ws.rs.core.Application;

/** The Jakarta REST application. It serves every path that no other Liberty feature serves. */
@ApplicationPath("/")
public class RestApplication extends Application {}
