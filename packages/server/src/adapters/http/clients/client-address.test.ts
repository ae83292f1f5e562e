// The rule that finds a client's address: who is believed, and what can be in the header.
import { describe, expect, it } from "vitest";

import { createClientAddress, createIsTrusted } from "./client-address.ts";

const behindProxies = createClientAddress(["10.0.0.0/8", "127.0.0.1", "fd00::/8"]);
const withoutProxies = createClientAddress([]);

describe("without trusted proxies", () => {
	it.each([
		["203.0.113.5", "203.0.113.5"],
		["2001:db8::1", "2001:db8::1"],
		["::ffff:203.0.113.5", "203.0.113.5"],
		["fe80::1%eth0", "fe80::1"],
	])("the client of a connection from %s is %s, with any header", (peer, client) => {
		expect(withoutProxies(peer, undefined)).toBe(client);
		expect(withoutProxies(peer, "192.0.2.9")).toBe(client);
	});

	it("the client of a connection that is already closed is not known", () => {
		expect(withoutProxies(undefined, "192.0.2.9")).toBeNull();
		expect(behindProxies(undefined, "192.0.2.9")).toBeNull();
	});
});

describe("a connection comes from a trusted proxy", () => {
	it.each([
		["10.0.0.1", true],
		["::ffff:10.0.0.1", true],
		["fd00::1%eth0", true],
		["203.0.113.5", false],
		["", false],
		[undefined, false],
	])("if its address is one of theirs: %s", (peer, expected) => {
		expect(createIsTrusted(["10.0.0.0/8", "fd00::/8"])(peer)).toBe(expected);
		expect(createIsTrusted([])(peer)).toBe(false);
	});

	it("which must be networks", () => {
		expect(() => createIsTrusted(["nowhere"])).toThrow(TypeError);
	});
});

describe("with trusted proxies", () => {
	it.each([
		["a peer that is not trusted is the client", "203.0.113.5", "192.0.2.9", "203.0.113.5"],
		["a trusted peer without the header is the client", "10.0.0.1", undefined, "10.0.0.1"],
		["a trusted peer with an empty header is the client", "10.0.0.1", " ", "10.0.0.1"],
		["a trusted peer is believed", "10.0.0.1", "192.0.2.9", "192.0.2.9"],
		["a trusted peer with a mapped address is believed", "::ffff:10.0.0.1", "192.0.2.9", "192.0.2.9"],
		["a trusted IPv6 peer is believed", "fd00::1", "2001:db8::2", "2001:db8::2"],
		["entries to the left of the first untrusted one are ignored", "10.0.0.1", "1.1.1.1, 192.0.2.9", "192.0.2.9"],
		["a trusted address that a client has forged is ignored", "10.0.0.1", "10.9.9.9,192.0.2.9", "192.0.2.9"],
		["garbage that a client has sent is ignored", "10.0.0.1", '"}\\n, ;,,192.0.2.9', "192.0.2.9"],
		["further trusted proxies are skipped", "127.0.0.1", "192.0.2.9, fd00::2, 10.0.0.2", "192.0.2.9"],
		["a trusted proxy with a mapped address is skipped", "10.0.0.1", "192.0.2.9,::ffff:10.0.0.2", "192.0.2.9"],
		["the leftmost address is the client if all are trusted", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"],
	])("%s", (_title, peer, forwardedFor, client) => {
		expect(behindProxies(peer, forwardedFor)).toBe(client);
	});

	it.each([
		["192.0.2.9:4711", "192.0.2.9"],
		["[2001:db8::2]:4711", "2001:db8::2"],
		["[2001:db8::2]", "2001:db8::2"],
		["2001:DB8:0:0:0:0:0:2", "2001:db8::2"],
		["::ffff:192.0.2.9", "192.0.2.9"],
		["\t192.0.2.9 ", "192.0.2.9"],
	])("the entry %j is read as %s", (entry, client) => {
		expect(behindProxies("10.0.0.1", entry)).toBe(client);
	});

	it.each([
		"unknown",
		"_hidden",
		"evil.example",
		"192.0.2",
		"192.0.2.256",
		"010.0.0.1",
		"0x7f000001",
		"3221225985",
		"192.0.2.9/32",
		"192.0.2.9:port",
		"192.0.2.9:123456",
		"[192.0.2.9]",
		"[2001:db8::2",
		"[2001:db8::2]x",
		"[fe80::1%eth0]",
		"fe80::1%25eth0",
		"2001:db8::2 2001:db8::3",
		"192.0.2.9\u0000",
		"192.0.2.9\n{}",
		'192.0.2.9","level":60',
		"\u001b[2J",
		"１92.0.2.9",
		"192.0.2.9,",
		",",
		`${"0".repeat(100)}192.0.2.9`,
		"a".repeat(100_000),
	])("the client is not known if the last entry is not an address: %j", (forwardedFor) => {
		expect(behindProxies("10.0.0.1", forwardedFor)).toBeNull();
	});

	it("reads at most 32 of 10,000 entries", () => {
		const entries = Array.from({ length: 10_000 }, () => "192.0.2.9");
		expect(behindProxies("10.0.0.1", entries.join(","))).toBe("192.0.2.9");
		const trusted = (count: number) => Array.from({ length: count }, () => "10.0.0.2");
		expect(behindProxies("10.0.0.1", ["192.0.2.9", ...trusted(31)].join(","))).toBe("192.0.2.9");
		expect(behindProxies("10.0.0.1", ["192.0.2.9", ...trusted(32)].join(","))).toBeNull();
		expect(behindProxies("10.0.0.1", ["192.0.2.9", ...trusted(9_999)].join(","))).toBeNull();
	});
});

it("refuses networks that are not valid, by the name of the setting", () => {
	expect(() => createClientAddress(["10.1.2.3/8"])).toThrow(
		'FANFARE_TRUSTED_PROXIES has "10.1.2.3/8", an address inside a network: write 10.0.0.0/8 for the network, or 10.1.2.3 for that address alone',
	);
	expect(() => createClientAddress(["proxy"])).toThrow(/^FANFARE_TRUSTED_PROXIES must list networks .*, got "proxy"$/);
});
