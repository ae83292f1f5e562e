// The address by which a client has asked, which only trusted proxies can change.
import { expect, it } from "vitest";

import { createRequestOrigin } from "./request-origin.ts";

const FORWARDED = { "x-forwarded-proto": "https", "x-forwarded-host": "example.com", "x-forwarded-prefix": "/fanfare" };
const originOf = (trusted: string[], peer: string | undefined, headers: Record<string, string>) =>
	createRequestOrigin(trusted)(peer, (name) => headers[name]);

it.each<[string, string | null]>([
	["127.0.0.1:8787", "http://127.0.0.1:8787"],
	["fanfare.example.com", "http://fanfare.example.com"],
	["[::1]:8787", "http://[::1]:8787"],
	["localhost", "http://localhost"],
	["", null],
	['"><script>', null],
	["a b", null],
	["user@example.com", null],
	["example.com/path", null],
	["example.com:99999999", null],
	[`${"a".repeat(300)}.com`, null],
])("without a proxy, is that of the header Host: %s gives %s", (host, origin) => {
	expect(originOf([], "127.0.0.1", { host, ...FORWARDED })).toBe(origin);
	// A client that is no trusted proxy changes nothing.
	expect(originOf(["10.0.0.0/8"], "192.0.2.1", { host, ...FORWARDED })).toBe(origin);
	expect(originOf(["10.0.0.0/8"], undefined, { host, ...FORWARDED })).toBe(origin);
});

it.each<[Record<string, string>, string | null]>([
	[FORWARDED, "https://example.com/fanfare"],
	[{ "x-forwarded-proto": "https" }, "https://inside:8787"],
	[{ "x-forwarded-host": "forged.example, example.com" }, "http://example.com"],
	[{ "x-forwarded-host": "exa mple.com" }, null],
	[{ "x-forwarded-proto": "javascript" }, "http://inside:8787"],
	[{ "x-forwarded-prefix": '/"><script>' }, "http://inside:8787"],
	[{ "x-forwarded-prefix": "//evil.example" }, "http://inside:8787"],
	[{}, "http://inside:8787"],
])("behind a trusted proxy, with %j, is %s", (headers, origin) => {
	expect(originOf(["10.0.0.0/8"], "10.1.2.3", { host: "inside:8787", ...headers })).toBe(origin);
});
