/** HTTP for any resource: problem documents, checks, metrics, files, {@code /healthz} and the reference. */
package usercounter.api;
