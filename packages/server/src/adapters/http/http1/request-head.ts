// Writes the head of a request, and refuses headers that would change what the receiver reads.

/** What a head is made of. */
export interface HeadParts {
	/** `host` or `host:port` of the URL. */
	readonly host: string;
	/** Path and query, as `URL` writes them: they have no white space and no control characters. */
	readonly path: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly bodyLength: number;
}

/** Headers that each request has. They need no check of their names. */
const USUAL = new Set([
	"content-type",
	"user-agent",
	"webhook-id",
	"webhook-timestamp",
	"webhook-signature",
	"traceparent",
]);
/** Headers that would change the framing, or that ask for an answer that the sender does not understand. */
const REFUSED = new Set(["transfer-encoding", "keep-alive", "upgrade", "expect"]);
/** Headers that the sender writes itself. */
const OWN = new Set(["content-length", "connection"]);
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** The head as Latin-1 text, with the empty line at its end. */
export function requestHead({ host, path, headers, bodyLength }: HeadParts): string {
	let head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
	for (const name in headers) {
		if (!USUAL.has(name) && OWN.has(name.toLowerCase())) continue;
		head += `${name}: ${headers[name] ?? ""}\r\n`;
	}
	return `${head}content-length: ${bodyLength}\r\n\r\n`;
}

/** In words, what is wrong with the headers of a request; null if they can be sent. Never contains a value. */
export function headersRejection(headers: Readonly<Record<string, string>>, bodyLength: number): string | null {
	for (const name in headers) {
		const value = headers[name] ?? "";
		if (USUAL.has(name)) {
			if (NOT_IN_VALUE.test(value)) return `the header ${name} has a character that is not allowed`;
			continue;
		}
		if (!NAME.test(name)) return "the name of a header has a character that is not allowed";
		if (NOT_IN_VALUE.test(value)) return `the header ${name} has a character that is not allowed`;
		const lower = name.toLowerCase();
		if (lower === "host") return "the host header is set from the endpoint and cannot be overridden";
		if (REFUSED.has(lower)) return `the header ${lower} cannot be set`;
		if (lower === "content-length" && value !== String(bodyLength)) return "its content-length is wrong";
	}
	return null;
}
