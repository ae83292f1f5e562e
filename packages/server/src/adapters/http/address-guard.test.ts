// The address guard, with random addresses of every special range in every notation.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createAddressGuard } from "./address-guard.ts";

const PROJECT = "proj_00000000000000000000000000000001";
const guard = createAddressGuard({ allowNetworks: [], allowHttp: true });
const strict = createAddressGuard({ allowNetworks: [], allowHttp: false });

// The tests' own list, from IANA's registries, so that a gap in the list of ipaddr.js is noticed.
const SPECIAL_V4 = [
	"0.0.0.0/8",
	"10.0.0.0/8",
	"100.64.0.0/10",
	"127.0.0.0/8",
	"169.254.0.0/16",
	"172.16.0.0/12",
	"192.0.0.0/24",
	"192.0.2.0/24",
	"192.88.99.0/24",
	"192.168.0.0/16",
	"198.18.0.0/15",
	"198.51.100.0/24",
	"203.0.113.0/24",
	"224.0.0.0/4",
	"240.0.0.0/4",
	"255.255.255.255/32",
];
/** Anycast to sinks and relays: refused too, and excluded from the addresses that must be public. */
const ANYCAST_V4 = ["192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "168.63.129.16/32"];
const SPECIAL_V6 = [
	"::/128",
	"::1/128",
	"::/96",
	"::ffff:0:0:0/96",
	"64:ff9b:1::/48",
	"100::/64",
	"2001::/23",
	"2001:db8::/32",
	"2002::/16",
	"3fff::/20",
	"5f00::/16",
	"fc00::/7",
	"fd00:ec2::254/128",
	"fe80::/10",
	"fec0::/10",
	"ff00::/8",
	"4000::/3",
	"8000::/1",
];
const OTHER_V6 = ["2620:4f:8000::/48"];

function v4Number(text: string): number {
	return text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function v4Text(value: number): string {
	return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

function v6Number(text: string): bigint {
	const [head = "", tail] = text.split("::");
	const left = head === "" ? [] : head.split(":");
	const right = tail === undefined || tail === "" ? [] : tail.split(":");
	const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right];
	return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

function v6Text(value: bigint): string {
	return Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(":");
}

function v4Range(cidr: string): [low: number, high: number] {
	const [base = "", bits] = cidr.split("/");
	const low = v4Number(base);
	return [low, low + 2 ** (32 - Number(bits)) - 1];
}

function v6Range(cidr: string): [low: bigint, high: bigint] {
	const [base = "", bits] = cidr.split("/");
	const low = v6Number(base);
	return [low, low + (1n << BigInt(128 - Number(bits))) - 1n];
}

const inV4 = (cidr: string) => {
	const [min, max] = v4Range(cidr);
	return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
};
const inV6 = (cidr: string) => {
	const [min, max] = v6Range(cidr);
	return fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max));
};

/** The ways to write an IPv4 address as the host of a URL. */
function v4Hosts(value: number): string[] {
	const text = v4Text(value);
	const octets = text.split(".").map(Number);
	const [a = 0, b = 0, c = 0, d = 0] = octets;
	const hex = value.toString(16);
	return [
		text,
		`${text}.`,
		String(value),
		`0x${hex}`,
		`0${value.toString(8)}`,
		octets.map((octet) => `0x${octet.toString(16)}`).join("."),
		octets.map((octet) => `0${octet.toString(8)}`).join("."),
		`${a}.${value % 2 ** 24}`,
		`${a}.${b}.${c * 256 + d}`,
		text.replace(/\d/g, (digit) => `%3${digit}`),
		text.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
		text.replaceAll(".", "。"),
	];
}

/** The IPv6 addresses that contain an IPv4 address. */
function v6Spellings(value: number): string[] {
	const low = `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
	const text = v4Text(value);
	return [
		`::ffff:${text}`,
		`::FFFF:${low}`,
		`0:0:0:0:0:ffff:${low}`,
		`::${text}`,
		`64:ff9b::${text}`,
		`64:ff9b::${low}`,
		`64:ff9b:1::${text}`,
		`2002:${low}::1`,
	];
}

describe("the address guard on IPv4", () => {
	it.each([...SPECIAL_V4, ...ANYCAST_V4])("refuses every address in %s, however it is written", (cidr) => {
		fc.assert(
			fc.property(inV4(cidr), (value) => {
				expect(guard.isAllowed(v4Text(value))).toBe(false);
				expect(v6Spellings(value).filter((ip) => guard.isAllowed(ip))).toEqual([]);
				const hosts = [...v4Hosts(value), ...v6Spellings(value).map((ip) => `[${ip}]`)];
				expect(hosts.filter((host) => guard.reject(`https://${host}/hook`, PROJECT) === null)).toEqual([]);
			}),
		);
	});

	it("allows public addresses, mapped and NAT64 ones included", () => {
		const ranges = [...SPECIAL_V4, ...ANYCAST_V4].map(v4Range);
		const isPublic = (value: number) => !ranges.some(([low, high]) => value >= low && value <= high);
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }).filter(isPublic), (value) => {
				const ip = v4Text(value);
				expect([ip, `::ffff:${ip}`, `64:ff9b::${ip}`].filter((ip) => guard.isAllowed(ip))).toHaveLength(3);
				const rejections = v4Hosts(value).map((host) => guard.reject(`http://${host}:8080/hook?a=b`, PROJECT));
				expect(rejections.filter((rejection) => rejection !== null)).toEqual([]);
			}),
		);
	});

	it.each(["", "localhost", "127.1", "010.8.8.8", "8.8.8.8.", "8.8.8.8/32", "8.8.8.8 ", "[2606:4700::1]", "::8.8.8.8"])(
		"refuses %j, which is not a public address",
		(text) => {
			expect(guard.isAllowed(text)).toBe(false);
		},
	);
});

describe("the address guard on IPv6", () => {
	it.each(SPECIAL_V6)("refuses every address in %s", (cidr) => {
		fc.assert(
			fc.property(inV6(cidr), (value) => {
				const ip = v6Text(value);
				expect(guard.isAllowed(ip)).toBe(false);
				expect(guard.isAllowed(ip.toUpperCase())).toBe(false);
				expect(guard.reject(`https://[${ip}]/`, PROJECT)).not.toBeNull();
			}),
		);
	});

	it("allows public addresses", () => {
		const ranges = [...SPECIAL_V6, ...OTHER_V6].map(v6Range);
		const isPublic = (value: bigint) => !ranges.some(([low, high]) => value >= low && value <= high);
		fc.assert(
			fc.property(inV6("2000::/3").filter(isPublic), (value) => {
				expect(guard.isAllowed(v6Text(value))).toBe(true);
				expect(guard.reject(`https://[${v6Text(value)}]/`, PROJECT)).toBeNull();
			}),
		);
	});

	it("refuses a link-local address with a zone", () => {
		expect(guard.isAllowed("fe80::1%eth0")).toBe(false);
	});
});

describe("networks that the operator allows", () => {
	const office = createAddressGuard({ allowNetworks: ["10.1.0.0/16", "fd12:3456::/32"], allowHttp: false });

	it.each(["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "::ffff:a01:203", "fd12:3456::1"])(
		"allows %s, inside",
		(ip) => {
			expect(office.isAllowed(ip)).toBe(true);
		},
	);

	it.each([
		"10.0.255.255",
		"10.2.0.0",
		"::ffff:10.2.0.0",
		"::10.1.0.1",
		"2002:a01:1::",
		"64:ff9b::10.1.0.1",
		"fd12:3457::1",
	])("still refuses %s, beside", (ip) => {
		expect(office.isAllowed(ip)).toBe(false);
	});

	it("lets endpoints be registered with an allowed address in any notation", () => {
		expect(office.reject("https://10.1.2.3/", PROJECT)).toBeNull();
		expect(office.reject("https://0xa010203/", PROJECT)).toBeNull();
	});

	it("takes a single address, and a mapped network as its IPv4 network", () => {
		const one = createAddressGuard({ allowNetworks: ["127.0.0.1", "::ffff:10.0.0.0/104"], allowHttp: false });
		expect(one.isAllowed("127.0.0.1")).toBe(true);
		expect(one.isAllowed("127.0.0.2")).toBe(false);
		expect(one.isAllowed("10.9.9.9")).toBe(true);
		expect(one.isAllowed("11.0.0.0")).toBe(true); // public anyway
		expect(one.isAllowed("172.16.0.1")).toBe(false);
	});

	it.each([
		"",
		"10.0.0.0/33",
		"10.0.0.0/",
		"10.0.0.0/8/8",
		"fd00::/129",
		"10.0.0/8",
		"010.0.0.0/8",
		"a",
		"10.0.0.0/-1",
		"10.0.0.0/0x8",
		"fe80::%1/10",
	])("refuses %j as a network, and names the setting", (network) => {
		expect(() => createAddressGuard({ allowNetworks: [network], allowHttp: false })).toThrow(TypeError);
		expect(() => createAddressGuard({ allowNetworks: [network], allowHttp: false })).toThrow(
			`FANFARE_ALLOW_NETWORKS must list networks such as 10.0.0.0/8 or fd00::/8, got ${JSON.stringify(network)}`,
		);
	});

	it("asks which one is meant for an address inside a network", () => {
		expect(() => createAddressGuard({ allowNetworks: ["10.1.2.3/8"], allowHttp: false })).toThrow(
			"write 10.0.0.0/8 for the network, or 10.1.2.3 for that address alone",
		);
	});
});

describe("hosts that the operator allows", () => {
	const other = PROJECT.replace("1", "2");
	const hosts = [
		{ host: "billing.internal", projectId: null },
		{ host: "crm", projectId: PROJECT },
		{ host: "localhost", projectId: PROJECT },
		{ host: "10.1.2.3", projectId: PROJECT },
		{ host: "[fd00::7]", projectId: null },
	];
	const guard = createAddressGuard({ allowNetworks: [], allowHosts: hosts, allowHttp: false });

	it("may be called at any address, by all projects or by one", () => {
		for (const ip of ["10.0.0.1", "127.0.0.1", "fd00::1", "168.63.129.16"]) {
			expect(guard.refusal(ip, "billing.internal", other)).toBeNull();
			expect(guard.refusal(ip, "billing.internal.", other)).toBeNull();
			expect(guard.refusal(ip, "crm", PROJECT)).toBeNull();
			expect(guard.refusal(ip, "crm", other)).not.toBeNull();
			expect(guard.isAllowed(ip)).toBe(false);
		}
	});

	it.each(["a.billing.internal", "internal", "billing.internal.example", "xbilling.internal", "billing"])(
		"are single hosts: %s is none of them",
		(host) => {
			expect(guard.refusal("10.0.0.1", host, PROJECT)).toBe("a private address");
		},
	);

	it.each(["https://BILLING.internal/", "https://billing.internal.:8443/a", "https://[fd00::7]/"])(
		"can be registered by every project: %s",
		(url) => {
			expect(guard.reject(url, other)).toBeNull();
		},
	);

	it.each(["https://crm/", "https://localhost/", "https://10.1.2.3/", "https://0x0a010203/"])(
		"can be registered by their project alone: %s",
		(url) => {
			expect(guard.reject(url, PROJECT)).toBeNull();
			expect(guard.rejectOrigin(url, PROJECT)).toBeNull();
			expect(guard.reject(url, other)).not.toBeNull();
		},
	);

	it("still need https and a plain URL", () => {
		expect(guard.reject("http://billing.internal/", PROJECT)).toContain("FANFARE_ALLOW_HTTP");
		expect(guard.reject("https://user@billing.internal/", PROJECT)).toContain("user name");
	});
});

describe("a name without a dot", () => {
	const refused =
		"The endpoint's host intranet has no dot, so it is a name of the server's own network. Use the full name of a public host, or allow this one with FANFARE_ALLOW_HOSTS (such as intranet).";

	it.each(["https://intranet/", "https://INTRANET.:8443/a", "https://user-data../"])("is not registered: %s", (url) => {
		expect(strict.reject(url, PROJECT)).toMatch(/ has no dot, so it is a name of the server's own network\. /);
		expect(strict.reject("https://intranet", PROJECT)).toBe(refused);
	});

	it("is registered if networks are allowed, and is called if it was registered earlier", () => {
		const office = createAddressGuard({ allowNetworks: ["10.0.0.0/8"], allowHttp: false });
		expect(office.reject("https://intranet/", PROJECT)).toBeNull();
		expect(strict.rejectOrigin("https://intranet", PROJECT)).toBeNull();
	});
});

describe("Azure's platform address", () => {
	it.each(["168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110"])("is refused: %s", (ip) => {
		expect(guard.isAllowed(ip)).toBe(false);
		expect(guard.isPublic(ip)).toBe(false);
		expect(guard.isAllowed("168.63.129.15")).toBe(true);
		expect(guard.refusal("168.63.129.16", "example.com", PROJECT)).toBe("an address of the cloud provider's own");
	});

	it("can be allowed as a network", () => {
		const azure = createAddressGuard({ allowNetworks: ["168.63.129.16"], allowHttp: true });
		expect(azure.isAllowed("168.63.129.16")).toBe(true);
	});
});

describe("reject", () => {
	it.each([
		"https://example.com",
		"https://example.com:8443/a/b?c=d&e",
		"HTTPS://EXAMPLE.COM/",
		"https://münchen.example/",
		"https://8.8.8.8/",
		"https://localhost.example.com/",
		"https://notlocalhost.example/",
		"https://example.com/@user",
	])("accepts %s", (url) => {
		expect(strict.reject(url, PROJECT)).toBeNull();
	});

	it.each([
		["http://example.com/", "FANFARE_ALLOW_HTTP"],
		["ftp://example.com/", "absolute https URL"],
		["//example.com/", "absolute https URL"],
		["/hook", "absolute https URL"],
		["https:example.com", "absolute https URL"],
		["https://", "absolute https URL"],
		["https:///example.com/", "absolute https URL"],
		["https:///user:pass@example.com/", "absolute https URL"],
		["https:////user@example.com/", "absolute https URL"],
		["https://exa mple.com/", "absolute https URL"],
		["https://1.2.3.4.5/", "absolute https URL"],
		["https://[::1/", "absolute https URL"],
		["", "absolute https URL"],
		["https://user@example.com/", "user name or password"],
		["https://user:pass@example.com/", "user name or password"],
		["https://@example.com/", "user name or password"],
		["https://example.com/#", "fragment"],
		["https://example.com:0/", "port 0"],
		["https://example.com:00/a", "port 0"],
		["https://example.com/a#b", "fragment"],
		[" https://example.com/", "space at its start"],
		["https://example.com/\n", "control character"],
		["https://example.com\\@10.0.0.1/", "backslash"],
		[`https://example.com/${"a".repeat(2_029)}`, "2049 characters"],
	])("refuses %j", (url, why) => {
		expect(strict.reject(url, PROJECT)).toContain(why);
	});

	it("accepts the longest endpoint that is allowed", () => {
		expect(strict.reject(`https://example.com/${"a".repeat(2_028)}`, PROJECT)).toBeNull();
	});

	it.each(["localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost.", "%6cocalhost", "localhost"])(
		"refuses the name %s unless loopback is allowed",
		(host) => {
			const loopback = createAddressGuard({ allowNetworks: ["127.0.0.0/8"], allowHttp: false });
			expect(strict.reject(`https://${host}/`, PROJECT)).toContain("this machine");
			expect(loopback.reject(`https://${host}/`, PROJECT)).toBeNull();
		},
	);

	it.each(["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "[::ffff:7f00:1]", "0", "[::]"])(
		"sees through the notation of %s",
		(host) => {
			expect(strict.reject(`https://${host}/`, PROJECT)).toContain("FANFARE_ALLOW_NETWORKS");
		},
	);

	it("says what kind of address it is and how to allow it", () => {
		expect(strict.reject("https://10.0.0.1/hook", PROJECT)).toBe(
			"The endpoint's host is 10.0.0.1, a private address. Only public addresses may be called: use one, or allow its network with FANFARE_ALLOW_NETWORKS (such as 10.0.0.1/32).",
		);
	});
});
