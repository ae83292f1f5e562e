// The cookie of sessions: its name and attributes, and how it is read.
import { describe, expect, it } from "vitest";

import { FanfareError } from "../../core/errors.ts";
import { SessionCookie } from "./session-cookie.ts";

const WORKSPACE = "ws_1c8aab980f174b0296c7e35e88665b13";
const [A, B] = [`ss_${"a".repeat(43)}`, `ss_${"b".repeat(43)}`];

it.each([
	[null, `fanfare-${WORKSPACE}`, "Path=/; HttpOnly; SameSite=Strict"],
	["http://fanfare.example.com", `fanfare-${WORKSPACE}`, "Path=/; HttpOnly; SameSite=Strict"],
	["https://fanfare.example.com", `__Host-fanfare-${WORKSPACE}`, "Path=/; HttpOnly; SameSite=Strict; Secure"],
	[
		"https://example.com/tools/fanfare",
		`__Secure-fanfare-${WORKSPACE}`,
		"Path=/tools/fanfare; HttpOnly; SameSite=Strict; Secure",
	],
])("at %s is %s, with %s", (publicUrl, name, attributes) => {
	const cookie = new SessionCookie(WORKSPACE, publicUrl);
	expect(cookie.set(A, 43_200_999)).toBe(`${name}=${A}; Max-Age=43200; ${attributes}`);
	expect(cookie.clear()).toBe(`${name}=; Max-Age=0; ${attributes}`);
	expect(cookie.read(`${name}=${A}`)).toBe(A);
});

describe("is read from a Cookie header", () => {
	const cookie = new SessionCookie(WORKSPACE, null);
	const { name } = cookie;

	it.each([
		[`${name}=${A}`, A],
		[`theme=dark; ${name}=${A}; other=1`, A],
		[`theme=dark;${name}=${A};`, A],
		[`  ${name} = ${A} `, A],
		// The same one twice, as after a change of the path.
		[`${name}=${A}; ${name}=${A}`, A],
		[`${name}=; ${name}=${A}`, A],
		[`x=${name}; ${name}=${A}`, A],
		[`${name}${name}=${B};${name}=${A}`, A],
		[`${"a=b; ".repeat(2_000)}${name}=${A}; ${"a=b; ".repeat(2_000)}`, A],
		[undefined, null],
		["", null],
		["; ;=;==", null],
		[name, null],
		[`${name}=`, null],
		[`${name}=${A}x`, null],
		[`${name}="${A}"`, null],
		[`${name}=sk_${"a".repeat(43)}`, null],
		[`x${name}=${A}`, null],
		[`__Host-${name}=${A}`, null],
		[`fanfare-ws_${"0".repeat(32)}=${A}`, null],
		[`${name.toUpperCase()}=${A}`, null],
	])("%s", (header, token) => {
		expect(cookie.read(header)).toBe(token);
	});

	it("and refused if there are two different ones, without their values", () => {
		const read = () => cookie.read(`${name}=${A}; ${name}=${B}`);
		expect(read).toThrow(expect.objectContaining({ code: "unknown_session" }));
		try {
			read();
		} catch (error) {
			expect(error).toBeInstanceOf(FanfareError);
			expect((error as Error).message).not.toMatch(/ss_/);
		}
	});
});
