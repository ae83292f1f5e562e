// Settings: defaults, precedence, and an error for each invalid or unknown one.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { ConfigError, describeSettings, readConfig, renderConfigurationDoc } from "./config.ts";
import { metaOf, SETTING_NAMES, variableOf } from "./config/settings.ts";

const KEY = `sk_${"a".repeat(43)}`;
const MASTER = Buffer.alloc(32, 7);

function problemsOf(environment: Record<string, string>, flags?: Record<string, string>): readonly string[] {
	try {
		readConfig(environment, flags);
	} catch (error) {
		if (error instanceof ConfigError) return error.problems;
		throw error;
	}
	return [];
}

describe("readConfig", () => {
	it("has a default for everything", () => {
		expect(readConfig({})).toEqual({
			host: "127.0.0.1",
			port: 8_787,
			publicUrl: null,
			trustedProxies: [],
			dataDir: "./fanfare-data",
			adminKey: null,
			masterKey: null,
			allowHttp: false,
			allowNetworks: [],
			proxy: null,
			logLevel: "info",
			maxInFlight: 1_024,
			maxInFlightPerWebhook: 256,
			maxWaitingSends: 20_000,
			maxBodyBytesInHand: 67_108_864,
			retentionDays: 30,
			payloadRetentionDays: null,
			shutdownGraceMs: 30_000,
		});
	});

	it("takes the environment over the defaults, and flags over the environment", () => {
		const environment = { FANFARE_PORT: "1", FANFARE_DATA_DIR: "/a", PATH: "/bin" };
		expect(readConfig(environment, { port: "0" })).toMatchObject({ port: 0, dataDir: "/a" });
		expect(readConfig(environment, { port: undefined })).toMatchObject({ port: 1 });
	});

	it("refuses to keep payloads longer than their events", () => {
		const environment = { FANFARE_RETENTION_DAYS: "7", FANFARE_PAYLOAD_RETENTION_DAYS: "8" };
		expect(problemsOf(environment)).toEqual([
			"FANFARE_PAYLOAD_RETENTION_DAYS must not be more than the 7 days that events are kept, got 8",
		]);
		const kept = readConfig({ ...environment, FANFARE_RETENTION_DAYS: "0" });
		expect(kept).toMatchObject({ retentionDays: 0, payloadRetentionDays: 8 });
	});

	it("is frozen", () => {
		const config = readConfig({ FANFARE_ALLOW_NETWORKS: "10.0.0.0/8" });
		expect(Object.isFrozen(config)).toBe(true);
		expect(Object.isFrozen(config.allowNetworks)).toBe(true);
		expect(Object.isFrozen(readConfig({}).allowNetworks)).toBe(true);
		expect(Object.isFrozen(readConfig({}).trustedProxies)).toBe(true);
	});

	it.each([
		["FANFARE_HOST", "::1", { host: "::1" }],
		["FANFARE_ALLOW_HTTP", "true", { allowHttp: true }],
		["FANFARE_ALLOW_HTTP", "0", { allowHttp: false }],
		[
			"FANFARE_ALLOW_NETWORKS",
			"10.0.0.0/8, fd00::/8,127.0.0.1",
			{ allowNetworks: ["10.0.0.0/8", "fd00::/8", "127.0.0.1"] },
		],
		["FANFARE_TRUSTED_PROXIES", "127.0.0.1, fd00::/8", { trustedProxies: ["127.0.0.1", "fd00::/8"] }],
		["FANFARE_PROXY", "http://u:p@proxy:3128", { proxy: "http://u:p@proxy:3128" }],
		["FANFARE_ADMIN_KEY", KEY, { adminKey: KEY }],
		["FANFARE_SHUTDOWN_GRACE_MS", "0", { shutdownGraceMs: 0 }],
	])("reads %s=%s", (name, value, expected) => {
		expect(readConfig({ [name]: value })).toMatchObject(expected);
	});

	it.each([
		["https://fanfare.example.com", "https://fanfare.example.com"],
		["https://fanfare.example.com/", "https://fanfare.example.com"],
		["https://example.com/tools/fanfare//", "https://example.com/tools/fanfare"],
		["HTTPS://Fanfare.Example.COM:443/", "https://fanfare.example.com"],
		["http://fanfare_1:8080/a.b/~c/@d", "http://fanfare_1:8080/a.b/~c/@d"],
		["http://[::1]:8787", "http://[::1]:8787"],
		["https://fänfare.example/ä", "https://xn--fnfare-bua.example/%C3%A4"],
	])("reads FANFARE_PUBLIC_URL=%s as %s", (value, publicUrl) => {
		expect(readConfig({ FANFARE_PUBLIC_URL: value }).publicUrl).toBe(publicUrl);
	});

	it.each([
		"fanfare.example.com",
		"//fanfare.example.com",
		"/fanfare",
		"https:fanfare.example.com",
		"https:///fanfare.example.com",
		"https://",
		"ftp://fanfare.example.com",
		"javascript://fanfare.example.com/%0aalert(1)",
		"https://fanfare.example.com?",
		"https://fanfare.example.com/?a=1",
		"https://fanfare.example.com/#",
		"https://@fanfare.example.com",
		"https://:@fanfare.example.com",
		"https://user@fanfare.example.com",
		"https://fanfare.example.com:65536",
		"https://fanfare.example.com\\a",
		" https://fanfare.example.com",
		"https://fanfare.example.com\n",
		"https://fanfare.\texample.com",
		"https://{tenant}.example.com",
		"https://fanfare.example.com/$(id)",
		"https://fanfare.example.com/`id`;'",
	])("refuses FANFARE_PUBLIC_URL=%j", (value) => {
		expect(problemsOf({ FANFARE_PUBLIC_URL: value })).toEqual([
			expect.stringMatching(
				/^FANFARE_PUBLIC_URL must be an absolute http or https URL without user name, query and fragment, such as https:\/\/fanfare\.example\.com, got "/,
			),
		]);
	});

	it("never repeats the password in a URL", () => {
		const [problem] = problemsOf({}, { "public-url": "https://user:hunter2/@hunter2@fanfare.example.com" });
		expect(problem).toMatch(/^--public-url must be .*, got "https:\/\/…@fanfare.example.com"$/);
	});

	it.each(["base64", "base64url", "hex"] as const)("reads a master key in %s", (encoding) => {
		const { masterKey } = readConfig({ FANFARE_MASTER_KEY: MASTER.toString(encoding) });
		expect(Buffer.from(masterKey ?? [])).toEqual(MASTER);
	});

	it.each([
		["FANFARE_PORT", "abc", 'FANFARE_PORT must be a port number (0–65535), got "abc"'],
		["FANFARE_PORT", "65536", 'FANFARE_PORT must be a port number (0–65535), got "65536"'],
		["FANFARE_PORT", "1.5", 'FANFARE_PORT must be a port number (0–65535), got "1.5"'],
		["FANFARE_PORT", " 1", 'FANFARE_PORT must be a port number (0–65535), got " 1"'],
		["FANFARE_PORT", "", "FANFARE_PORT is set but empty: give it a value, or leave it unset"],
		["FANFARE_HOST", "http://a", 'FANFARE_HOST must be a host name or an IP address, got "http://a"'],
		["FANFARE_ALLOW_HTTP", "yes", 'FANFARE_ALLOW_HTTP must be true or false, got "yes"'],
		["FANFARE_LOG_LEVEL", "verbose", /must be one of trace, debug, info, warn, error, fatal, silent, got "verbose"/],
		["FANFARE_ALLOW_NETWORKS", "10.0.0.0/33", /must be a list of networks such as .*, got "10.0.0.0\/33"/],
		["FANFARE_ALLOW_NETWORKS", "10.0.0.0/8,", /must be a list of networks/],
		["FANFARE_TRUSTED_PROXIES", "proxy.example", /must be a list of networks such as .*, got "proxy.example"/],
		["FANFARE_TRUSTED_PROXIES", "127.0.0.1/33", /must be a list of networks/],
		["FANFARE_TRUSTED_PROXIES", "10.0.0.1:80", /must be a list of networks/],
		["FANFARE_TRUSTED_PROXIES", "", /is set but empty/],
		["FANFARE_MAX_IN_FLIGHT", "0", /a whole number from 1 to 100000, got "0"/],
		["FANFARE_MAX_IN_FLIGHT_PER_WEBHOOK", "-1", /a whole number from 1 to 100000, got "-1"/],
		["FANFARE_SHUTDOWN_GRACE_MS", "30s", /milliseconds.*got "30s"/],
	])("refuses %s=%j", (name, value, message) => {
		const expected: unknown = message instanceof RegExp ? expect.stringMatching(message) : message;
		expect(problemsOf({ [name]: value })).toEqual([expected]);
	});

	it.each([
		["FANFARE_ADMIN_KEY", "hunter2hunter2"],
		["FANFARE_MASTER_KEY", "hunter2hunter2"],
		["FANFARE_PROXY", "https://user:hunter2@proxy"],
	])("never repeats a bad %s", (name, value) => {
		const [problem] = problemsOf({ [name]: value });
		expect(problem).toMatch(new RegExp(`^${name} must be .*, got a value that is not shown because it is secret$`));
		expect(problem).not.toContain("hunter2");
	});

	it("names the flag if the bad value came from a flag", () => {
		expect(problemsOf({ FANFARE_PORT: "1" }, { port: "x" })).toEqual([
			'--port must be a port number (0–65535), got "x"',
		]);
	});

	it("refuses unknown names, with a suggestion if a known name is similar", () => {
		expect(problemsOf({ FANFARE_PROT: "1" })).toEqual([
			"FANFARE_PROT is not a setting of Fanfare: did you mean FANFARE_PORT?",
		]);
		expect(problemsOf({ FANFARE_SOMETHING_ELSE: "1" })).toEqual([
			"FANFARE_SOMETHING_ELSE is not a setting of Fanfare: remove it (fanfare serve --help lists the settings)",
		]);
		expect(problemsOf({}, { "data-dri": "x" })).toEqual([
			"--data-dri is not a setting of Fanfare: did you mean --data-dir?",
		]);
	});

	it("ignores variables that the caller declares to be another program's", () => {
		expect(readConfig({ FANFARE_URL: "x" }, {}, ["FANFARE_URL"]).port).toBe(8_787);
	});

	it.each(["FANFARE_DATABASE_URL", "FANFARE_NATS_URL"])("refuses %s, which this version does not support", (name) => {
		expect(problemsOf({ [name]: "postgres://u:hunter2@h" })).toEqual([
			expect.stringMatching(`^${name} is set, but .*leave it unset`),
		]);
		expect(problemsOf({ [name]: "postgres://u:hunter2@h" })[0]).not.toContain("hunter2");
	});

	it("lists all problems at once", () => {
		const problems = problemsOf({ FANFARE_PORT: "x", FANFARE_LOG_LEVEL: "x", FANFARE_X: "1" });
		expect(problems).toHaveLength(3);
		expect(new ConfigError(problems).message.split("\n")).toEqual(problems);
	});
});

describe("renderConfigurationDoc", () => {
	it("has a row for each setting", () => {
		const doc = renderConfigurationDoc();
		for (const { variable, flag, isSecret } of describeSettings()) {
			expect(doc).toContain(isSecret ? `| \`${variable}\` | – |` : `| \`${variable}\` | \`--${flag}\` |`);
		}
		expect(Object.keys(readConfig({}))).toHaveLength(describeSettings().length);
	});
});

describe("the documentation of", () => {
	const valueOf = (name: string, environment: Record<string, string>) =>
		Object.entries(readConfig(environment)).find(([key]) => key === name);
	// The other examples are commands that make a value.
	const withExample = SETTING_NAMES.filter((name) => !metaOf(name).example.startsWith("the output of"));
	// Other defaults are described in words, such as `none`.
	const withDefault = SETTING_NAMES.filter((name) => metaOf(name).defaultText.startsWith("`"));

	it.each(withExample)("%s has a valid example that is not the default", (name) => {
		const { example } = metaOf(name);
		expect(valueOf(name, { [variableOf(name)]: example })).not.toEqual(valueOf(name, {}));
	});

	it.each(withDefault)("%s has the real default", (name) => {
		const shown = metaOf(name).defaultText.replaceAll("`", "");
		expect(valueOf(name, { [variableOf(name)]: shown })).toEqual(valueOf(name, {}));
	});
});

it("uses every setting where the server is put together", () => {
	const files = [...globSync("compose/**/*.ts", { cwd: import.meta.dirname }), "http-server.ts"];
	const code = files.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join("\n");
	expect(SETTING_NAMES.filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([]);
});
