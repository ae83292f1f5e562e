// Arbitrary bytes of receivers: valid responses of every form, and the same with mistakes and attacks.
import fc from "fast-check";

const LINE_BREAK = "\r\n";

const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
const value = fc.stringMatching(/^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?$/);
const space = fc.constantFrom("", " ", "\t", "  ");
const FRAMING = new Set(["content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "__proto__"]);
const header = fc
	.tuple(
		token.filter((name) => !FRAMING.has(name.toLowerCase())),
		space,
		value,
		space,
	)
	.map(([name, before, text, after]) => `${name}:${before}${text}${after}${LINE_BREAK}`);
const headers = fc.array(header, { maxLength: 4 }).map((lines) => lines.join(""));
const body = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const reason = fc.constantFrom("", " ", " OK", " Not so good", " \xe4\xf6");

const informational = fc
	.tuple(fc.constantFrom(100, 102, 103, 199), reason, headers)
	.map(([status, words, lines]) => `HTTP/1.1 ${status}${words}${LINE_BREAK}${lines}${LINE_BREAK}`);
const before = fc
	.tuple(fc.constantFrom("", "", LINE_BREAK), fc.array(informational, { maxLength: 2 }))
	.map(([lines, heads]) => lines + heads.join(""));

const sized = body.map((text) => `Content-Length: ${text.length}${LINE_BREAK}${LINE_BREAK}${text}`);
const extension = fc.constantFrom("", ";a", ";a=b", ';a="b c"');
const chunk = fc
	.tuple(
		body.filter((text) => text !== ""),
		extension,
		fc.constantFrom("", "0", "00"),
		fc.boolean(),
	)
	.map(([text, words, zeros, isUpper]) => {
		const size = text.length.toString(16);
		return `${zeros}${isUpper ? size.toUpperCase() : size}${words}${LINE_BREAK}${text}${LINE_BREAK}`;
	});
const chunked = fc
	.tuple(fc.constantFrom("chunked", "Chunked", "gzip, chunked"), fc.array(chunk, { maxLength: 4 }), extension, headers)
	.map(
		([coding, chunks, words, trailers]) =>
			`Transfer-Encoding: ${coding}${LINE_BREAK}${LINE_BREAK}${chunks.join("")}0${words}${LINE_BREAK}${trailers}${LINE_BREAK}`,
	);
const toClose = body.map((text) => LINE_BREAK + text);
const connection = fc.constantFrom(
	"",
	"",
	"Connection: close\r\n",
	"Connection: keep-alive\r\n",
	"Connection: Close, x\r\n",
	"Keep-Alive: timeout=7, max=3\r\n",
);

/** A response that every client should understand. It may end with the connection. */
export const validResponse = fc
	.tuple(before, fc.constantFrom("1.1", "1.1", "1.0"), fc.integer({ min: 200, max: 599 }), reason, headers, connection)
	.chain(([first, version, status, words, lines, kept]) =>
		fc
			.oneof(sized, chunked, toClose)
			.map((rest) => `${first}HTTP/${version} ${status}${words}${LINE_BREAK}${lines}${kept}${rest}`),
	);

/** Pieces that have a meaning somewhere. */
const fragment = fc.constantFrom(
	"\r\n",
	"\r",
	"\n",
	"\0",
	" ",
	":",
	";",
	"\r\n\r\n",
	"\r\n folded",
	"0\r\n\r\n",
	"ffffffffffffffff\r\n",
	"-1",
	"+1",
	"0x1",
	"Content-Length: 5\r\n",
	"Content-Length: 5, 5\r\n",
	"content-length:\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Transfer-Encoding: chunked, identity\r\n",
	"Transfer-Encoding : chunked\r\n",
	"Transfer-Encoding: \x0bchunked\r\n",
	"Upgrade: h2c\r\nConnection: upgrade\r\n",
	"HTTP/1.1 200 OK\r\n",
	"HTTP/1.1 101 \r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 204 \r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"\x7f",
	"\xff",
	"a".repeat(300),
);

interface Change {
	readonly at: number;
	readonly removed: number;
	readonly added: string;
}

const change: fc.Arbitrary<Change> = fc.record({
	at: fc.double({ min: 0, max: 1, noNaN: true }),
	removed: fc.constantFrom(0, 0, 1, 2, 9),
	added: fc.oneof(
		fc.constant(""),
		fragment,
		fc.nat(255).map((code) => String.fromCharCode(code)),
	),
});

function changed(text: string, { at, removed, added }: Change): string {
	const from = Math.floor(at * text.length);
	return text.slice(0, from) + added + text.slice(from + removed);
}

/** Bytes of a receiver that is broken, or means harm. */
export const hostileBytes = fc.oneof(
	fc
		.tuple(validResponse, fc.array(change, { minLength: 1, maxLength: 3 }))
		.map(([text, changes]) => Buffer.from(changes.reduce(changed, text), "latin1")),
	fc.array(fragment, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(""), "latin1")),
	fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);
