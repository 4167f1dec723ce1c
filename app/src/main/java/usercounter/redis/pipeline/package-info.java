/**
 * A client for Redis that gathers the commands of concurrent requests into batches. It uses nothing else of the service:
 * {@link usercounter.redis.pipeline.CommandRouter} sends each command to its node, through a
 * {@link usercounter.redis.pipeline.CommandPipeline} for each node. Both list their invariants.
 */
package usercounter.redis.pipeline;
