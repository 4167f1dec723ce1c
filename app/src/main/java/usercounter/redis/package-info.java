/** Access to Redis: connections, batches of commands, redirections of Redis Cluster, deadlines, metrics. */
package usercounter.redis;
