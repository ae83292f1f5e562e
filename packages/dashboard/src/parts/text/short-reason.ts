// Why a delivery failed, for a list.

/**
 * What a reason says that the other columns do not: a list has no room for how many attempts there were and which code the receiver
 * responded with.
 *
 * @example
 * shortReason("exhausted after 4 attempts: connection refused by 192.0.2.7:443", 0); // "connection refused by 192.0.2.7:443"
 * shortReason("exhausted after 4 attempts: the receiver responded with 503", 503); // ""
 */
export function shortReason(reason: string | null, code: number | null): string {
	const why = (reason ?? "").replace(/^exhausted after \d+ attempts?: /, "");
	return why.replace(new RegExp(`^the receiver (?:responded with|answered) ${code}(?:[:;]? |$)`), "");
}
