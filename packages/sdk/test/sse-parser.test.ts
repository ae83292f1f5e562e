// The parser of server-sent events: a property, and the standard's special cases.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { SseParser, type SseMessage } from "../src/streaming/sse-parser.ts";

function parse(...pieces: string[]): SseMessage[] {
	const parser = new SseParser();
	return pieces.flatMap((piece) => parser.push(piece));
}

/** Text without line breaks, which a field of SSE cannot contain, and without NUL, which invalidates an id. */
const line = fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\r\n\0]/g, ""));
const message = fc.record({
	event: line.filter((text) => text !== ""),
	data: fc.array(line, { minLength: 1 }),
	id: line,
});
const lineEnd = fc.constantFrom("\n", "\r\n", "\r");

describe("the parser of server-sent events", () => {
	it("returns the messages that were written, whatever the pieces, line ends and comments in between", () => {
		const noise = fc.constantFrom("", ": comment", ":", "retry: 5", "unknown: x", "unknown");
		fc.assert(
			fc.property(fc.array(message), lineEnd, noise, fc.array(fc.nat()), (messages, end, between, cuts) => {
				const text = messages
					.map(({ event, data, id }) =>
						[
							`id: ${id}`,
							...(between === "" ? [] : [between]),
							`event: ${event}`,
							...data.map((each) => `data: ${each}`),
							"",
							"",
						].join(end),
					)
					.join("");
				const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
				const pieces = [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length));
				expect(parse(...pieces)).toEqual(messages.map(({ event, data, id }) => ({ event, id, data: data.join("\n") })));
			}),
			{ numRuns: runs(200) },
		);
	});

	const of = (data: string, id = "", event = "message"): SseMessage => ({ event, data, id });
	it.each<[string, string, SseMessage[]]>([
		["removes one space before a value, and no more", "data:  a\n\n", [of(" a")]],
		["accepts a value without a space", "data:a\n\n", [of("a")]],
		["treats a field without a colon as empty", "data\n\n", [of("")]],
		["keeps the id for the messages after it", "id: 7\ndata: a\n\ndata: b\n\n", [of("a", "7"), of("b", "7")]],
		["forgets an event's name with its message", "event: x\ndata: a\n\ndata: b\n\n", [of("a", "", "x"), of("b")]],
		["returns an id without data", ": heartbeat\nid: 9\n\n", [of("", "9")]],
		["ignores an id with a NUL", "id: 1\n\nid: 2\0\ndata: a\n\n", [of("", "1"), of("a", "1")]],
		["ignores comments and empty lines", ":\n\n: a\n\n\n\n", []],
		["ignores a message that does not end", "data: a\n", []],
		["skips a byte order mark", "\ufeffdata: a\n\n", [of("a")]],
	])("%s", (_what, text, messages) => {
		expect(parse(text)).toEqual(messages);
		expect(parse(...text.split(""))).toEqual(messages);
	});

	it("reads the retry delay if it consists of digits", () => {
		const parser = new SseParser();
		expect(parser.retryMs).toBeNull();
		parser.push("retry: 250\n\n");
		parser.push("retry: soon\n\nretry: -1\n\nretry:\n\n");
		expect(parser.retryMs).toBe(250);
	});

	it("limits the size of a message", () => {
		const parser = new SseParser();
		const endless = () => {
			for (let n = 0; n < 200; n++) parser.push(`data: ${"x".repeat(10_000)}\n`);
		};
		expect(endless).toThrow(RangeError);
		expect(() => new SseParser().push("x".repeat(2_000_000))).toThrow(RangeError);
	});
});
