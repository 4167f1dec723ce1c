/** The validated settings from the environment variables. */
package usercounter.settings;
