// Just enough of HTTP/1.1 to find the end of a message. The harness must cost much less than what it measures.

const HEAD_END = Buffer.from("\r\n\r\n");
const CONTENT_LENGTH = Buffer.from("content-length: ");
const DIGIT_0 = 0x30;

/** The offsets at which a message's body begins and ends. */
export interface Frame {
	readonly bodyAt: number;
	readonly end: number;
}

/** The message at the start of `bytes`; null if its head is incomplete. Its body may be incomplete. Throws if it is chunked. */
export function frameOf(bytes: Buffer): Frame | null {
	const headEnd = bytes.indexOf(HEAD_END);
	if (headEnd === -1) return null;
	const bodyAt = headEnd + HEAD_END.length;
	const at = bytes.indexOf(CONTENT_LENGTH);
	if (at === -1 || at > headEnd) return { bodyAt, end: bodyAt + slowLength(bytes.toString("latin1", 0, headEnd)) };
	return { bodyAt, end: bodyAt + digits(bytes, at + CONTENT_LENGTH.length) };
}

/** The body's length, for heads that spell `content-length` in another way. */
function slowLength(head: string): number {
	if (/^transfer-encoding:/im.test(head)) throw new Error(`the harness can't read a chunked message: ${head}`);
	return Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
}

/** The decimal number that begins at `at`. */
export function digits(bytes: Buffer, at: number): number {
	let value = 0;
	for (let index = at; ; index++) {
		const digit = (bytes[index] ?? 0) - DIGIT_0;
		if (digit < 0 || digit > 9) return value;
		value = value * 10 + digit;
	}
}
