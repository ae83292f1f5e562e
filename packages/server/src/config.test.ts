// Settings: defaults, precedence, and an error for each invalid or unknown one.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import {
	completeConfig,
	ConfigError,
	describeSettings,
	readConfig,
	renderConfigurationDoc,
	type Config,
} from "./config.ts";
import { metaOf, SETTING_NAMES, variableOf } from "./config/settings.ts";

const KEY = `sk_${"a".repeat(43)}`;
const PROJECT = "proj_1c8aab980f174b0296c7e35e88665b13";
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
		["FANFARE_ALLOW_FOR_CUSTOMERS", "true", { allowForCustomers: true }],
		[
			"FANFARE_ALLOW_NETWORKS",
			"10.0.0.0/8, fd00::/8,127.0.0.1",
			{ allowNetworks: ["10.0.0.0/8", "fd00::/8", "127.0.0.1"] },
		],
		["FANFARE_TRUSTED_PROXIES", "127.0.0.1, fd00::/8", { trustedProxies: ["127.0.0.1", "fd00::/8"] }],
		[
			"FANFARE_ALLOW_HOSTS",
			`Billing.Internal., crm@${PROJECT},10.1.2.3,fd00::7,bücher.example`,
			{
				allowHosts: [
					{ host: "billing.internal", projectId: null },
					{ host: "crm", projectId: PROJECT },
					{ host: "10.1.2.3", projectId: null },
					{ host: "[fd00::7]", projectId: null },
					{ host: "xn--bcher-kva.example", projectId: null },
				],
			},
		],
		["FANFARE_PROXY", "http://u:p@proxy:3128", { proxy: "http://u:p@proxy:3128" }],
		["FANFARE_ADMIN_KEY", KEY, { adminKey: KEY }],
		["FANFARE_SHUTDOWN_GRACE_MS", "0", { shutdownGraceMs: 0 }],
	])("reads %s=%s", (name, value, expected) => {
		expect(readConfig({ [name]: value })).toMatchObject(expected);
	});

	it("reads what goes past the proxy, and refuses it without a proxy", () => {
		const FANFARE_NO_PROXY = "Billing.internal,.corp.Example, 10.0.0.0/8,fd00::1";
		expect(readConfig({ FANFARE_PROXY: "http://proxy:3128", FANFARE_NO_PROXY })).toMatchObject({
			noProxy: ["billing.internal", ".corp.example", "10.0.0.0/8", "fd00::1"],
		});
		expect(problemsOf({ FANFARE_NO_PROXY })).toEqual([
			"FANFARE_NO_PROXY is set, but FANFARE_PROXY is not: set it too, or leave FANFARE_NO_PROXY unset",
		]);
	});

	it("reads the role, and refuses one that leaves work undone where one process has all the data", () => {
		const database = { FANFARE_DATABASE_URL: "postgres://u@h/d", FANFARE_MASTER_KEY: MASTER.toString("hex") };
		expect(readConfig({ ...database, FANFARE_ROLE: "worker" })).toMatchObject({ role: "worker" });
		expect(readConfig({ FANFARE_ROLE: "all" })).toMatchObject({ role: "all" });
		expect(problemsOf({ FANFARE_ROLE: "api" })).toEqual([
			"FANFARE_ROLE is api, but FANFARE_DATABASE_URL is not set: a data directory belongs to one process, which does everything. " +
				"Set FANFARE_DATABASE_URL, or leave FANFARE_ROLE unset",
		]);
		expect(problemsOf({ ...database, FANFARE_ROLE: "sender" })).toEqual([
			'FANFARE_ROLE must be one of all, api, worker, got "sender"',
		]);
	});

	it("reads the header that names the person, and refuses it without a proxy to believe", () => {
		const environment = { FANFARE_TRUSTED_PROXIES: "127.0.0.1", FANFARE_ACTOR_HEADER: "X-Forwarded-Email" };
		expect(readConfig(environment)).toMatchObject({ actorHeader: "X-Forwarded-Email" });
		expect(problemsOf({ FANFARE_ACTOR_HEADER: "X-Forwarded-Email" })).toEqual([
			"FANFARE_ACTOR_HEADER is set, but FANFARE_TRUSTED_PROXIES is not: set it too, or leave FANFARE_ACTOR_HEADER unset",
		]);
	});

	it.each(["X Email", "X-Email:", "äx", "-x", "x".repeat(65), "Cookie", "authorization", "Secret-Key"])(
		"refuses FANFARE_ACTOR_HEADER=%j",
		(name) => {
			const environment = { FANFARE_TRUSTED_PROXIES: "127.0.0.1", FANFARE_ACTOR_HEADER: name };
			expect(problemsOf(environment)).toEqual([
				expect.stringMatching(/^FANFARE_ACTOR_HEADER must be the name of a header such as X-Forwarded-Email/),
			]);
		},
	);

	it.each([
		...["*.internal", "billing.internal:443", "https://billing.internal", "a/b", "a@b", "a,,b", "a b", "", "a@"].map(
			(hosts) => ["FANFARE_ALLOW_HOSTS", hosts],
		),
		["FANFARE_ALLOW_HOSTS", `a@${PROJECT}@${PROJECT}`],
		["FANFARE_ALLOW_HOSTS", "10.0.0.0/8"],
		["FANFARE_ALLOW_HOSTS", "1.2.3.4.5"],
		...["*", "*.internal", "a:80", "http://a", "..a", ".10.0.0.1", "10.0.0.0/33", "a,", "."].map((hosts) => [
			"FANFARE_NO_PROXY",
			hosts,
		]),
	] as [string, string][])("refuses %s=%j", (name, value) => {
		const [problem, ...others] = problemsOf({ FANFARE_PROXY: "http://proxy:3128", [name]: value });
		expect(problem).toMatch(new RegExp(`^${name} (must be a list of host names|is set but empty)`));
		expect(others).toEqual([]);
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
		"https:fanfare.example.com",
		"https:///fanfare.example.com",
		"ftp://fanfare.example.com",
		"https://fanfare.example.com?",
		"https://fanfare.example.com/#",
		"https://@fanfare.example.com",
		"https://fanfare.example.com:65536",
		"https://fanfare.example.com\\a",
		" https://fanfare.example.com",
		"https://fanfare.example.com\n",
		"https://fanfare.\texample.com",
		"https://{tenant}.example.com",
		"https://fanfare.example.com/$(id)",
	])("refuses FANFARE_PUBLIC_URL=%j", (value) => {
		expect(problemsOf({ FANFARE_PUBLIC_URL: value })).toEqual([
			expect.stringMatching(
				/^FANFARE_PUBLIC_URL must be an absolute http or https URL without user name, query and fragment, such as https:\/\/fanfare\.example\.com, got "/,
			),
		]);
	});

	it("reads origins, each once", () => {
		const origins = ["https://app.example.com", "http://localhost:5173", "https://[::1]:8443", "http://10.0.0.1"];
		const value = [...origins, origins[0]].join(", ");
		expect(readConfig({ FANFARE_PORTAL_ORIGINS: value }).portalOrigins).toEqual(origins);
	});

	it.each([
		"*",
		"null",
		"https://*.example.com",
		"app.example.com",
		"https://app.example.com/",
		"https://app.example.com?a",
		"https://App.example.com",
		"https://app.example.com:443",
		"https://app.example.com:65536",
		"https://user@app.example.com",
		"https://app.example.com;script-src *",
		"https://a'b.example.com",
		"https://app.example.com https://other.example.com",
		"https://app.example.com,",
		"https://bücher.example",
		"ftp://app.example.com",
	])("refuses FANFARE_PORTAL_ORIGINS=%j", (value) => {
		expect(problemsOf({ FANFARE_PORTAL_ORIGINS: value })).toEqual([
			expect.stringMatching(
				/^FANFARE_PORTAL_ORIGINS must be a list of origins without path and wildcard, such as .*, got "/,
			),
		]);
	});

	it("reads the addresses that attempts come from", () => {
		const value = "203.0.113.7, 198.51.100.0/24,2001:db8:1::/64";
		const { egressAddresses } = readConfig({ FANFARE_EGRESS_ADDRESSES: value });
		expect(egressAddresses).toEqual(["203.0.113.7", "198.51.100.0/24", "2001:db8:1::/64"]);
	});

	it.each([
		"any",
		"203.0.113",
		"203.0.113.7/33",
		"203.0.113.7:443",
		"fe80::1%eth0",
		"203.0.113.7,",
		"egress.example.com",
	])("refuses FANFARE_EGRESS_ADDRESSES=%j", (value) => {
		expect(problemsOf({ FANFARE_EGRESS_ADDRESSES: value })).toEqual([
			`FANFARE_EGRESS_ADDRESSES must be a list of addresses and networks such as 203.0.113.7,2001:db8:1::/64, got ${JSON.stringify(value)}`,
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
		["FANFARE_TRACES_URL", "collector:4318", /must be a URL such as http:\/\/127\.0\.0\.1:4318\/v1\/traces/],
		["FANFARE_TRACES_URL", "http://ada:word@collector:4318/v1/traces", /without user name and fragment/],
		["FANFARE_TRACES_RATIO", "1.01", /must be a number from 0 to 1, got "1\.01"/],
		["FANFARE_TRACES_RATIO", "5%", /must be a number from 0 to 1, got "5%"/],
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

	it("ignores what Kubernetes injects for services named fanfare and fanfare-…", () => {
		const injected = {
			FANFARE_SERVICE_HOST: "10.96.0.17",
			FANFARE_SERVICE_PORT: "8787",
			FANFARE_SERVICE_PORT_HTTP: "8787",
			FANFARE_PORT: "tcp://10.96.0.17:8787",
			FANFARE_PORT_8787_TCP: "tcp://10.96.0.17:8787",
			FANFARE_PORT_8787_TCP_PROTO: "tcp",
			FANFARE_PORT_8787_TCP_PORT: "8787",
			FANFARE_PORT_8787_TCP_ADDR: "10.96.0.17",
			FANFARE_METRICS_V2_SERVICE_HOST: "fd00::17",
			FANFARE_METRICS_V2_PORT: "udp://[fd00::17]:53",
			FANFARE_METRICS_V2_PORT_53_UDP_ADDR: "fd00::17",
		};
		expect(readConfig(injected)).toEqual(readConfig({}));
		expect(readConfig(injected, { port: "1" }).port).toBe(1);
	});

	it.each([
		["FANFARE_PORT", "tcp://10.96.0.17", "must be a port number"],
		["FANFARE_PORT", "http://10.96.0.17:8787", "must be a port number"],
		["FANFARE_HOST", "tcp://10.96.0.17:8787", "must be a host name"],
		["FANFARE_METRICS_PORT", "9090", "is not a setting"],
		["FANFARE_PORT_8787_HTTP", "1", "is not a setting"],
	])("takes %s=%s for no variable of Kubernetes", (name, value, message) => {
		expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(message)]);
		expect(problemsOf({}, { port: "tcp://10.96.0.17:8787" })).toEqual([expect.stringContaining("--port must be")]);
	});

	it("takes the servers of one NATS, and refuses what is not one", () => {
		const withUrl = (FANFARE_NATS_URL: string) =>
			problemsOf({
				FANFARE_NATS_URL,
				FANFARE_DATABASE_URL: "postgres://u@h/d",
				FANFARE_MASTER_KEY: "ab".repeat(32),
			});
		for (const right of [
			"nats://h",
			"tls://u:p@h:4222,tls://u:p@i:4223",
			"nats://token@[::1]:4222/",
			"nats://h, nats://i",
		]) {
			expect(withUrl(right)).toEqual([]);
		}
		for (const wrong of [
			"h:4222",
			"http://h",
			"nats://",
			"nats://h/x",
			"nats://h,tls://i",
			"nats://u:hunter2@h,nats://i",
			"nats://u:hunter2@h,nats://v:hunter2@i",
			"nats://u:hunter2%@h",
			"tls://10.1.2.3:4222",
			"tls://h,tls://[::1]",
		]) {
			expect(withUrl(wrong)).toEqual([expect.stringMatching("^FANFARE_NATS_URL must be a URL such as nats://")]);
			expect(withUrl(wrong)[0]).not.toContain("hunter2");
		}
		expect(problemsOf({ FANFARE_NATS_URL: "nats://h" })).toEqual([
			"FANFARE_NATS_URL is set, but FANFARE_DATABASE_URL is not: set it too, or leave FANFARE_NATS_URL unset",
		]);
		expect(problemsOf({ FANFARE_NATS_CREDENTIALS: "x" })).toEqual([
			expect.stringMatching("^FANFARE_NATS_CREDENTIALS must"),
		]);
		expect(problemsOf({ FANFARE_NATS_PREFIX: "a.*" })).toEqual([
			expect.stringMatching("^FANFARE_NATS_PREFIX must be up to"),
		]);
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
	// `FANFARE_NO_PROXY`, `FANFARE_ACTOR_HEADER`, `FANFARE_DATABASE_URL`, `FANFARE_NATS_CREDENTIALS` and `FANFARE_ROLE` need these.
	const base = {
		FANFARE_DATABASE_URL: "postgres://u@h/d",
		FANFARE_NATS_URL: "nats://h",
		FANFARE_PROXY: "http://proxy.example:8080",
		FANFARE_TRUSTED_PROXIES: "192.0.2.1",
		FANFARE_MASTER_KEY: "ab".repeat(32),
	};
	const valueOf = (name: string, environment: Record<string, string>) =>
		Object.entries(readConfig({ ...base, ...environment })).find(([key]) => key === name);
	// The other examples are commands that make a value.
	const withExample = SETTING_NAMES.filter((name) => !metaOf(name).example.startsWith("the output of"));
	// Other defaults are described in words, such as `none`.
	const withDefault = SETTING_NAMES.filter((name) => metaOf(name).defaultText.startsWith("`"));

	it.each(withExample)("%s has a valid example that is not the default", (name) => {
		const { example } = metaOf(name);
		expect(valueOf(name, { [variableOf(name)]: example })).not.toEqual(valueOf(name, {}));
	});

	it.each(SETTING_NAMES.filter((name) => !withDefault.includes(name)))(
		"%s has no default, as its words say",
		(name) => {
			expect([null, []]).toContainEqual(readConfig({})[name as keyof Config]);
		},
	);

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

describe("completeConfig", () => {
	it("has the defaults of readConfig, and takes values as they are", () => {
		expect(completeConfig({})).toEqual(readConfig({}));
		const given = completeConfig({
			port: 0,
			allowHttp: true,
			allowNetworks: ["127.0.0.0/8", "::1/128"],
			allowHosts: ["billing.internal", { host: "a.internal", projectId: PROJECT }],
			masterKey: MASTER,
			publicUrl: undefined,
		});
		const read = readConfig({
			FANFARE_PORT: "0",
			FANFARE_ALLOW_HTTP: "true",
			FANFARE_ALLOW_NETWORKS: "127.0.0.0/8,::1/128",
			FANFARE_ALLOW_HOSTS: `billing.internal,a.internal@${PROJECT}`,
			FANFARE_MASTER_KEY: MASTER.toString("base64"),
		});
		expect(given).toEqual(read);
		expect(Object.isFrozen(given)).toBe(true);
	});

	it("changes nothing in settings that were read: each example of the documentation", () => {
		const examples = SETTING_NAMES.map((name) => [variableOf(name), metaOf(name).example] as const);
		const secrets = { FANFARE_MASTER_KEY: MASTER.toString("hex"), FANFARE_ADMIN_KEY: KEY };
		const config = readConfig({ ...Object.fromEntries(examples), ...secrets });
		expect(completeConfig(config)).toEqual(config);
	});

	it("lists everything that is wrong, by the names that the program has used, and shows no secret", () => {
		const settings = {
			prot: 8_080,
			port: 70_000,
			dataDir: { path: "/tmp" },
			allowNetworks: [() => "all"],
			adminKey: "hunter2-secret",
			allowHttp: "yes",
			actorHeader: "X-Forwarded-Email",
		};
		let problems: readonly string[] = [];
		try {
			completeConfig(settings as object);
		} catch (error) {
			if (error instanceof ConfigError) ({ problems } = error);
		}
		expect(problems).toEqual([
			"prot is not a setting of Fanfare: did you mean port?",
			"dataDir must be the path of a directory, got a value of another kind",
			"allowNetworks must be a list of networks such as 10.0.0.0/8,fd00::/8, got a value of another kind",
			'port must be a port number (0–65535), got "70000"',
			expect.stringMatching(/^adminKey must be .*secret$/),
			'allowHttp must be true or false, got "yes"',
		]);
		expect(problems.join()).not.toContain("hunter2");
	});
});
