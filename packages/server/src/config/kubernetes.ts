// Variables that Kubernetes injects into each container for each service of its namespace. Those of a service named
// `fanfare` begin like settings, but are not.

/** `FANFARE_SERVICE_HOST`, `FANFARE_SERVICE_PORT_HTTP`, `FANFARE_PORT_8787_TCP_ADDR`; also of services such as `fanfare-metrics`. */
const NAME =
	/^FANFARE_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
/** `FANFARE_PORT` is injected too, but the name is also a setting: its value tells which one it is. */
const PORT_NAME = /^FANFARE_([A-Z0-9_]+_)?PORT$/;
const PORT_VALUE = /^(tcp|udp|sctp):\/\/[^/\s]+:\d+$/;

/**
 * True if Kubernetes has injected the variable for a service whose name begins with `fanfare`: it looks like a setting, but is not.
 *
 * @example
 * isInjectedByKubernetes("FANFARE_PORT", "tcp://10.96.0.17:8787"); // true
 */
export function isInjectedByKubernetes(variable: string, value: string): boolean {
	return NAME.test(variable) || (PORT_NAME.test(variable) && PORT_VALUE.test(value));
}
