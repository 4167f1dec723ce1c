/** The lifecycle of the process: start, health, shutdown, metrics. */
package usercounter.operations;
