/** The users' numbers: their resource, their page, their keys in Redis, and idempotency keys. */
package usercounter.counters;
