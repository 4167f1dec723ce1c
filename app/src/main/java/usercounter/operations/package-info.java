/** The lifecycle of the process: start, health, shutdown. */
package usercounter.operations;
