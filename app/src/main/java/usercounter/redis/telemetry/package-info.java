/** What operators see of the commands: metrics, spans of a trace, and log lines of outages. */
package usercounter.redis.telemetry;
