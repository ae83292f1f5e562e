import { describe, expect, it } from "vitest";

import { hostOrigin, readMessage } from "./messages.ts";

const envelope = { source: "fanfare-portal", version: 1 };

describe("a message from the page around the portal", () => {
	it("has a token, and how to look", () => {
		const theme = { accent: "#123456" };
		expect(
			readMessage({ ...envelope, kind: "session", token: "ps_abc", theme, locale: "de", timeZone: "UTC" }),
		).toEqual({
			kind: "session",
			token: "ps_abc",
			theme,
			locale: "de",
			timeZone: "UTC",
		});
		expect(readMessage({ ...envelope, kind: "theme", theme })).toEqual({ kind: "theme", theme });
	});

	it.each([
		null,
		"ps_abc",
		{ kind: "session", token: "ps_abc" },
		{ ...envelope, version: 2, kind: "session", token: "ps_abc" },
		{ ...envelope, source: "other", kind: "session", token: "ps_abc" },
		{ ...envelope, kind: "session" },
		{ ...envelope, kind: "session", token: "sk_abc" },
		{ ...envelope, kind: "session", token: "ps_a b" },
		{ ...envelope, kind: "session", token: ["ps_abc"] },
		{ ...envelope, kind: "ready" },
	])("is ignored if it is not of this protocol: %j", (data) => {
		expect(readMessage(data)).toBeNull();
	});

	it("keeps no locale that is no short text", () => {
		const message = { ...envelope, kind: "session", token: "ps_abc", locale: "x".repeat(101), timeZone: 7 };
		expect(readMessage(message)).toMatchObject({ locale: undefined, timeZone: undefined });
	});
});

describe("the origin of the page around", () => {
	it("is taken only if it is written as browsers write it", () => {
		expect(hostOrigin("?host=https%3A%2F%2Fapp.example.com")).toBe("https://app.example.com");
		expect(hostOrigin("?host=http://localhost:5173")).toBe("http://localhost:5173");
		for (const host of [
			"*",
			"null",
			"https://app.example.com/",
			"https://app.example.com/x",
			"app.example.com",
			"file:///x",
			"",
		])
			expect(hostOrigin(`?host=${encodeURIComponent(host)}`)).toBeNull();
		expect(hostOrigin("")).toBeNull();
	});
});
