// Why an attempt failed, in words for people: what happened, the likely reason, and the cure.
import type { Attempt, AttemptCause, Webhook } from "@fanfare/sdk";

export interface Diagnosis {
	/** What happened, with the address that was called where it is about that. */
	readonly title: string;
	/** Why it most likely happened. */
	readonly likely: string;
	/** What to do. */
	readonly cure: string;
}

type Evidence = Pick<Attempt, "responseCode" | "error" | "durationMs" | "response"> &
	Partial<Pick<Attempt, "endpoint" | "remoteAddress">> & { readonly cause: string | null };

/** The causes of attempts that got an answer: what is said about them depends on the answer. */
type StatusCause = Extract<AttemptCause, `status_${string}`>;

/** In a title: the host and port that were called. */
const WHERE = "{where}";

/** What is said about a cause. */
const BY_CAUSE: Readonly<Record<Exclude<AttemptCause, StatusCause>, Diagnosis>> = {
	refused: {
		title: `Nothing listens at ${WHERE}`,
		likely: "The receiver is not running, or it listens on another port.",
		cure: "Start it, or correct the port in the webhook's URL. Then retry.",
	},
	lookup_failed: {
		title: "The host's name could not be looked up",
		likely: "The name servers did not answer properly.",
		cure: "Check the host in the webhook's URL, and the DNS of the machine that runs Fanfare.",
	},
	name_not_found: {
		title: "The host does not exist",
		likely: "The name is misspelt, or its DNS record was removed.",
		cure: "Correct the host in the webhook's URL, or restore the record.",
	},
	closed_while_connecting: {
		title: `The connection to ${WHERE} was cut before it was set up`,
		likely: "A firewall or load balancer ends it, or a server that expects another protocol.",
		cure: "Check what listens on this port, and its rules for the addresses of Fanfare.",
	},
	connection_lost: {
		title: "The connection was lost",
		likely: "The receiver's machine or network went away in the middle.",
		cure: "Nothing, if it happens seldom: the next attempt uses a new connection.",
	},
	closed_before_response: {
		title: "The receiver closed the connection without a response",
		likely: "It crashed on this request, or a proxy or load balancer in front of it gave up.",
		cure: "Look into the receiver's log for an exception at this time.",
	},
	closed_during_response: {
		title: "The response broke off",
		likely: "The receiver stopped while it was writing its response.",
		cure: "Look into its log. A short response such as 204 without a body is enough.",
	},
	tls_failed: {
		title: "No secure connection could be made",
		likely: "The receiver's TLS settings do not fit.",
		cure: "Check its certificate and protocol versions, for example with openssl s_client.",
	},
	certificate_expired: {
		title: "The certificate has expired",
		likely: "Its renewal failed, or the new one was not loaded.",
		cure: "Renew the certificate, and restart or reload whatever serves it.",
	},
	certificate_not_yet_valid: {
		title: "The certificate is not valid yet",
		likely: "A clock is wrong, or the certificate was installed too early.",
		cure: "Check the clocks of both machines.",
	},
	certificate_name_mismatch: {
		title: "The certificate is for another host",
		likely: "The URL names a host that the certificate does not contain.",
		cure: "Use the host of the certificate in the URL, or add this host to the certificate.",
	},
	certificate_self_signed: {
		title: "The certificate is signed by itself",
		likely: "The receiver uses a certificate that was made for tests.",
		cure: "Use one of a public authority, such as Let's Encrypt.",
	},
	certificate_untrusted: {
		title: "The certificate's authority is not known",
		likely: "The receiver does not send the intermediate certificate.",
		cure: "Let it send the full chain.",
	},
	not_tls: {
		title: `There is no TLS at ${WHERE}`,
		likely: "The URL says https, but the port serves plain HTTP.",
		cure: "Correct the port, or put TLS in front of the receiver.",
	},
	blocked_address: {
		title: "The address is not public",
		likely: "The host resolves to an address inside a private network, which Fanfare does not call.",
		cure: "Use a public address. Whoever runs Fanfare can allow a network with FANFARE_ALLOW_NETWORKS.",
	},
	unreachable: {
		title: `No route leads to ${WHERE}`,
		likely: "A route or a firewall between Fanfare and the receiver is in the way.",
		cure: "Check the firewall, and whether the host has only IPv6 where you have only IPv4.",
	},
	timed_out: {
		title: "No response in time",
		likely: "The receiver took too long.",
		cure: "Respond at once, and do the work afterwards. The webhook's time limit can be up to 30 s.",
	},
	connect_timeout: {
		title: `The connection to ${WHERE} was never accepted`,
		likely: "A firewall drops the packets, or the receiver is overloaded.",
		cure: "Allow the addresses of Fanfare in the firewall, and check the receiver's load.",
	},
	lookup_timeout: {
		title: "The look-up of the host's name took too long",
		likely: "The name servers are slow or cannot be reached.",
		cure: "Check the DNS of the machine that runs Fanfare.",
	},
	tls_timeout: {
		title: "The TLS handshake took too long",
		likely: "The receiver is overloaded, or the port does not speak TLS.",
		cure: "Check the receiver's load and its port.",
	},
	response_timeout: {
		title: "The receiver accepted the request, but did not respond in time",
		likely: "It does its work before it responds.",
		cure: "Respond with 2xx at once, put the event into a queue, and do the work afterwards.",
	},
	body_timeout: {
		title: "The response began, but did not end in time",
		likely: "The receiver writes its response slowly, or never ends it.",
		cure: "Respond without a body, or with a short one.",
	},
	headers_timeout: {
		title: "The response began, but its headers did not end in time",
		likely: "The receiver, or a proxy in front of it, sends byte by byte.",
		cure: "Respond at once, with a short response.",
	},
	invalid_response: {
		title: "The response was not HTTP",
		likely: "Another program listens on this port.",
		cure: "Check the port in the webhook's URL.",
	},
	response_headers_too_large: {
		title: "The response's headers are too large",
		likely: "It sets large cookies, or a proxy adds headers.",
		cure: "Let the receiver send fewer headers: 16 KiB are read.",
	},
	unexpected_bytes: {
		title: "More bytes came than the response has",
		likely: "The receiver responds twice, or its Content-Length is wrong.",
		cure: "Fix the receiver. It may have processed the event.",
	},
	invalid_request: {
		title: "The request can't be sent as the webhook is set up",
		likely: "A header of the webhook is not allowed in HTTP.",
		cure: "Change the headers or the URL in the webhook's settings.",
	},
	proxy_failed: {
		title: "The proxy of Fanfare did not connect",
		likely: "It is down, or it may not reach the receiver.",
		cure: "Whoever runs Fanfare should look into the proxy's log, and at FANFARE_PROXY and FANFARE_NO_PROXY.",
	},
};

const BY_STATUS: Readonly<Record<number, Diagnosis>> = {
	401: {
		title: "The receiver asks for credentials",
		likely: "It wants a header that the webhook does not send, or it refused the signature.",
		cure: "Add the header in the webhook's settings, or check that the receiver has this webhook's secret.",
	},
	403: {
		title: "The receiver refuses the request",
		likely: "A firewall for web applications or an allow list blocks it, or the receiver refused the signature.",
		cure: "Allow the addresses of Fanfare, and check that the receiver has this webhook's secret.",
	},
	404: {
		title: "There is nothing at this path",
		likely: "The path in the webhook's URL is wrong, or the receiver's route was renamed.",
		cure: "Correct the path. Also a trailing slash can make the difference.",
	},
	405: {
		title: "The receiver takes no POST here",
		likely: "The path leads to another program, such as a website.",
		cure: "Correct the path in the webhook's URL.",
	},
	410: {
		title: "The receiver wants no more events",
		likely: "It responded with 410 Gone, by which a receiver unsubscribes. The webhook is disabled.",
		cure: "If that was not meant, fix the receiver, and resume the webhook.",
	},
	413: {
		title: "The event is too large for the receiver",
		likely: "A proxy or the framework limits the size of a body.",
		cure: "Raise its limit, or send less data and let the receiver fetch the rest.",
	},
	415: {
		title: "The receiver does not take JSON",
		likely: "It expects another Content-Type.",
		cure: "Let it accept application/json.",
	},
	429: {
		title: "The receiver is asked too often",
		likely: "It limits how many requests it takes.",
		cure: "Set a rate limit in the webhook's settings: waiting for it uses up no retry.",
	},
	502: {
		title: "The proxy in front of the receiver got no response from it",
		likely: "The receiver is down or was restarted.",
		cure: "Check that the program behind the proxy is running.",
	},
	503: {
		title: "The receiver is not available",
		likely: "It is overloaded, starting, or being deployed.",
		cure: "It often passes by itself, and Fanfare tries again. If it goes on, look into the receiver's log.",
	},
	504: {
		title: "The proxy in front of the receiver waited too long for it",
		likely: "The receiver does its work before it responds.",
		cure: "Respond with 2xx at once, and do the work afterwards.",
	},
};

/** Null if there is nothing to explain: it succeeded with time to spare. `timeoutMs` is the webhook's time limit, if it is known. */
export function diagnose(attempt: Evidence, timeoutMs: number | null = null): Diagnosis | null {
	const diagnosis = found(attempt, timeoutMs);
	return diagnosis === null ? null : { ...diagnosis, title: diagnosis.title.replace(WHERE, calledAddress(attempt)) };
}

/** The same of the last attempt of a webhook; null if it works, or if it was not called yet. */
export function diagnoseWebhook(
	webhook: Pick<Webhook, "lastAttempt" | "health" | "endpoint" | "updateDate">,
): Diagnosis | null {
	const { lastAttempt, health, endpoint, updateDate } = webhook;
	if (lastAttempt === null || health.failingSince === null) return null;
	const { responseCode, error, cause, date } = lastAttempt;
	// A webhook that was changed since may have been called at another address.
	const called = updateDate <= date ? endpoint : null;
	return diagnose({ responseCode, error, cause, endpoint: called, durationMs: 0, response: null });
}

/** Such as `hooks.example.com:443 (203.0.113.7)`. */
function calledAddress({ endpoint, remoteAddress }: Evidence): string {
	const url = URL.canParse(endpoint ?? "") ? new URL(endpoint ?? "") : null;
	if (url === null || url.hostname === "") return "the receiver's address";
	const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
	// An IPv6 address has brackets in a URL.
	const isName = url.hostname.replace(/^\[(.*)\]$/, "$1") !== (remoteAddress ?? url.hostname);
	return `${url.hostname}:${port}${isName ? ` (${remoteAddress})` : ""}`;
}

function found(attempt: Evidence, timeoutMs: number | null): Diagnosis | null {
	const { responseCode, error, cause } = attempt;
	if (error !== null) return (BY_CAUSE as Readonly<Record<string, Diagnosis>>)[cause ?? error] ?? OTHER_ERROR;
	if (responseCode >= 200 && responseCode < 300) return isSlow(attempt, timeoutMs) ? SLOW : null;
	if (responseCode >= 300 && responseCode < 400) return REDIRECT;
	if (responseCode >= 400 && isHtml(attempt) && BY_STATUS[responseCode] === undefined) return HTML;
	return BY_STATUS[responseCode] ?? (responseCode >= 500 ? SERVER_ERROR : CLIENT_ERROR);
}

const OTHER_ERROR: Diagnosis = {
	title: "The attempt failed",
	likely: "The reason is beside the attempt.",
	cure: "Test the webhook to see whether it still happens.",
};
const REDIRECT: Diagnosis = {
	title: "The receiver redirects, which is not followed",
	likely: "The URL lacks https, www or a trailing slash.",
	cure: "Put the address to which it redirects into the webhook's URL.",
};
const SERVER_ERROR: Diagnosis = {
	title: "The receiver failed",
	likely: "Its program threw an error while it handled this event.",
	cure: "Look into the receiver's log at this time. Fix it, and retry.",
};
const CLIENT_ERROR: Diagnosis = {
	title: "The receiver rejects the request",
	likely: "It does not like the data, or refused the signature.",
	cure: "Its response may say what is wrong. Fix the receiver, and retry.",
};
const HTML: Diagnosis = {
	title: "A website responded, not an API",
	likely: "The URL leads to a page, or to the error page of a proxy.",
	cure: "Check the path in the webhook's URL.",
};
const SLOW: Diagnosis = {
	title: "It worked, but only just",
	likely: "The response took more than 80 % of the time limit. With a little more load it will fail.",
	cure: "Respond at once, and do the work afterwards; or raise the webhook's time limit.",
};

function isSlow({ durationMs }: Evidence, timeoutMs: number | null): boolean {
	return timeoutMs !== null && durationMs > 0.8 * timeoutMs;
}

function isHtml({ response }: Evidence): boolean {
	return (response?.headers["content-type"] ?? "").startsWith("text/html");
}
