/** Access to Redis: connections, batches of commands, redirections of Redis Cluster, deadlines. */
package usercounter.redis;
