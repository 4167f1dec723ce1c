/** The users' numbers: reading and incrementing them, idempotency keys, and the reasons for failures. */
package usercounter.counters;
