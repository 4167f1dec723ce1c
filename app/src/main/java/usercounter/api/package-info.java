/** The HTTP interface: resources, representations, problem documents, checks and metrics of requests. */
package usercounter.api;
