// The table of all settings: how each is parsed, its default, and its description for the documentation and the help.
import { z } from "zod";

import { HIGHEST_CHANGES_PER_MINUTE } from "../core/policies/change-quota.ts";
import { HIGHEST_EVENTS_PER_SECOND, HIGHEST_STORED_BYTES, NO_QUOTAS } from "../core/policies/quota.ts";
import { DEFAULT_RETENTION, MAX_RETENTION_DAYS } from "../core/policies/retention.ts";
import { LOG_LEVELS } from "../ports/log.ts";
import type { AllowedHost } from "../ports/sender.ts";
import { CLUSTER_SETTINGS } from "./cluster-settings.ts";
import { CUSTOMER_SETTINGS } from "./customer-settings.ts";
import { DELIVERING_SETTINGS } from "./delivering-settings.ts";
import {
	parseActorHeader,
	parseAllowedHosts,
	parseBoolean,
	parseHost,
	parseMasterKey,
	parseNetworks,
	parseNoProxy,
	parseOrigins,
	parsePath,
	parseProxyUrl,
	parsePublicUrl,
	parseSecretKey,
	wholeNumber,
} from "./parse.ts";
import { setting, settingMetas, type SettingMeta } from "./setting.ts";
import { TRACING_SETTINGS } from "./tracing-settings.ts";

const PREFIX = "FANFARE_";

/**
 * Each setting by its name in `Config`. `dataDir` is set with the variable `FANFARE_DATA_DIR` or the flag `--data-dir`.
 */
export const configSchema = z.object({
	host: setting(parseHost, "127.0.0.1", {
		expected: "a host name or an IP address",
		meaning:
			"The address to listen on. `0.0.0.0` listens on all interfaces; in that case, run Fanfare behind a TLS proxy.",
		defaultText: "`127.0.0.1`",
		example: "0.0.0.0",
	}),
	port: setting(wholeNumber(0, 65_535), 8_787, {
		expected: "a port number (0–65535)",
		meaning: "The port to listen on. With `0`, the system chooses a free port, which is printed.",
		defaultText: "`8787`",
		example: "8080",
	}),
	publicUrl: setting(parsePublicUrl, null, {
		expected:
			"an absolute http or https URL without user name, query and fragment, such as https://fanfare.example.com",
		meaning:
			"The address that people use, if a proxy is in front of the server; it may have a path. " +
			"It is in the message at the start, in the OpenAPI document and in `/docs/api`; links to sign in begin with it, and with https the " +
			"cookies of sessions are `Secure`.",
		defaultText: "none",
		example: "https://fanfare.example.com",
	}),
	trustedProxies: setting<readonly string[], readonly string[]>(parseNetworks, Object.freeze([]), {
		expected: "a list of networks such as 10.0.0.0/8,fd00::/8",
		meaning:
			"Networks of proxies in front of the server, separated by commas. `X-Forwarded-…` and the header of " +
			"`FANFARE_ACTOR_HEADER` are believed only from them. They decide the `clientAddress` in the log, by which failed attempts to " +
			"sign in are counted, the actor in the audit log and the address in the examples of `/docs/api`, and never who may do what.",
		defaultText: "none",
		example: "127.0.0.1,10.1.0.0/16",
	}),
	actorHeader: setting(parseActorHeader, null, {
		expected: "the name of a header such as X-Forwarded-Email, and none that carries keys or cookies",
		meaning:
			"The header in which a proxy that signs people in names the person who makes a call, for the audit log. Believed only from " +
			"`FANFARE_TRUSTED_PROXIES`, which must set or remove it in every request.",
		defaultText: "none",
		example: "X-Forwarded-Email",
	}),
	portalOrigins: setting<readonly string[], readonly string[]>(parseOrigins, Object.freeze([]), {
		expected:
			"a list of origins without path and wildcard, such as https://app.example.com,http://localhost:5173, each in the form in which browsers send it",
		meaning:
			"The origins of your own pages, separated by commas: browsers let them call the API with the tokens of portal sessions, and " +
			"show the portal in a frame. Calls with keys are never allowed from pages.",
		defaultText: "none",
		example: "https://app.example.com",
		reloads: true,
	}),
	egressAddresses: setting<readonly string[], readonly string[]>(parseNetworks, Object.freeze([]), {
		expected: "a list of addresses and networks such as 203.0.113.7,2001:db8:1::/64",
		meaning:
			"The public addresses that attempts come from, separated by commas, as your network or your proxy gives them. Fanfare does not " +
			"use them: the API and the portal show them, for the firewalls of receivers.",
		defaultText: "none",
		example: "203.0.113.7,2001:db8:1::/64",
		reloads: true,
	}),
	dataDir: setting(parsePath, "./fanfare-data", {
		expected: "the path of a directory",
		meaning: "The directory for events, deliveries and keys. Only one server at a time can use it.",
		defaultText: "`./fanfare-data`",
		example: "/var/lib/fanfare",
	}),
	...CLUSTER_SETTINGS,
	adminKey: setting(parseSecretKey, null, {
		expected: "sk_ and 43 characters of A–Z a–z 0–9 - _",
		meaning:
			"An admin key. Each start adds it if it does not exist, also if it was deleted or rolled since; other keys stay valid until they are deleted. " +
			"If not set, the first start generates one: it is printed once on a terminal, and otherwise written to the file " +
			"`admin.key` in the data directory.",
		defaultText: "generated on the first start",
		example: "the output of `node -p \"'sk_' + crypto.randomBytes(32).toString('base64url')\"`",
		isSecret: true,
	}),
	masterKey: setting(parseMasterKey, null, {
		expected: "32 bytes in base64 (44 characters) or hexadecimal (64 characters)",
		meaning:
			"Encrypts webhook secrets at rest. If not set, one is generated and kept in the data directory, in `master.key`.",
		defaultText: "generated on the first start",
		example: "the output of `openssl rand -base64 32`",
		isSecret: true,
	}),
	allowHttp: setting(parseBoolean, false, {
		expected: "true or false",
		meaning: "Whether webhooks may have `http:` endpoints. For development.",
		defaultText: "`false`",
		example: "true",
		reloads: true,
	}),
	allowForCustomers: setting(parseBoolean, false, {
		expected: "true or false",
		meaning:
			"Whether `FANFARE_ALLOW_HTTP`, `FANFARE_ALLOW_NETWORKS` and `FANFARE_ALLOW_HOSTS` count for webhooks that belong to a " +
			"customer, too. For demos and tests: with it, whoever registers such a webhook can call the hosts that you allowed for your own.",
		defaultText: "`false`",
		example: "true",
		reloads: true,
	}),
	allowNetworks: setting<readonly string[], readonly string[]>(parseNetworks, Object.freeze([]), {
		expected: "a list of networks such as 10.0.0.0/8,fd00::/8",
		meaning:
			"Networks that endpoints may be in although their addresses are not public, separated by commas. " +
			"Endpoints may then also have host names without a dot.",
		defaultText: "none",
		example: "10.1.0.0/16,127.0.0.1",
		reloads: true,
	}),
	allowHosts: setting<readonly AllowedHost[], readonly AllowedHost[]>(parseAllowedHosts, Object.freeze([]), {
		expected:
			"a list of host names or addresses, without scheme, port and wildcard, such as billing.internal or, for one project, billing.internal@proj_1c8aab980f174b0296c7e35e88665b13",
		meaning:
			"Hosts that may be called whatever their addresses are, separated by commas, each for all projects or for one.",
		defaultText: "none",
		example: "billing.internal,crm.internal@proj_1c8aab980f174b0296c7e35e88665b13",
		reloads: true,
	}),
	proxy: setting(parseProxyUrl, null, {
		expected: "a URL such as http://proxy.example:3128 or http://user:password@proxy.example:3128",
		meaning: "A forward proxy for all attempts, except to what `FANFARE_NO_PROXY` names.",
		defaultText: "none",
		example: "http://proxy.example:3128",
		isSecret: true,
	}),
	noProxy: setting<readonly string[], readonly string[]>(parseNoProxy, Object.freeze([]), {
		expected:
			"a list of host names, domains with a dot in front (every name below them) and networks, such as billing.internal,.corp.example,10.0.0.0/8",
		meaning:
			"What is called without the proxy, separated by commas. Networks apply to the addresses of names, too. " +
			"The machine's own `NO_PROXY` and `HTTP_PROXY` are not used.",
		defaultText: "none",
		example: "billing.internal,.corp.example,10.1.0.0/16",
	}),
	logLevel: setting((value) => LOG_LEVELS.find((level) => level === value), "info", {
		expected: `one of ${LOG_LEVELS.join(", ")}`,
		meaning: "The least severe level that is logged.",
		defaultText: "`info`",
		example: "debug",
		reloads: true,
	}),
	...TRACING_SETTINGS,
	...DELIVERING_SETTINGS,
	maxProjects: setting(wholeNumber(1, 1_000_000), 10_000, {
		expected: "a whole number from 1 to 1000000",
		meaning: "The maximum number of projects. Deleted ones do not count.",
		defaultText: "`10000`",
		example: "100",
		reloads: true,
	}),
	maxKeys: setting(wholeNumber(1, 1_000_000), 10_000, {
		expected: "a whole number from 1 to 1000000",
		meaning:
			"The maximum number of API keys, those of projects and expired ones included. Each takes about 0.5 KB of memory. Creating further ones is refused with a 409.",
		defaultText: "`10000`",
		example: "500",
		reloads: true,
	}),
	maxWebhooks: setting(wholeNumber(1, 1_000_000), 100_000, {
		expected: "a whole number from 1 to 1000000",
		meaning:
			"The maximum number of webhooks in one project. Deleted ones do not count. Each takes about 0.5 KB of memory, whether or not it is used.",
		defaultText: "`100000`",
		example: "10000",
		reloads: true,
	}),
	maxWebhookBytes: setting(wholeNumber(64 * 1_024, 4_294_967_296), 64 * 1_024 * 1_024, {
		expected: "a whole number from 65536 to 4294967296",
		meaning:
			"The maximum size of all webhooks of one project: names, descriptions, endpoints, event types, metadata, headers and " +
			"schedules, in bytes; 64 MiB by default. Each event type counts 64 bytes more, for its place in memory.",
		defaultText: "`67108864`",
		example: "16777216",
		reloads: true,
	}),
	maxReplays: setting(wholeNumber(10, 10_000), 100, {
		expected: "a whole number from 10 to 10000",
		meaning:
			"With so many running replays of one project, those of its customers included, each customer can have only one: a further one is refused with a 409.",
		defaultText: "`100`",
		example: "20",
		reloads: true,
	}),
	maxChangesPerMinute: setting(wholeNumber(0, HIGHEST_CHANGES_PER_MINUTE), 1_800, {
		expected: `a whole number from 0 to ${HIGHEST_CHANGES_PER_MINUTE}`,
		meaning:
			"The changes that may be made in each project in a minute, on average, with its keys; those of an hour at once. Each leaves an " +
			"entry in the audit log. All customers of a project, with their tokens, may make as many again, and so may the keys of the workspace " +
			"there; each key may sign in, and replace keys and secrets, as often, and for all customers together portal sessions may be made as often. In " +
			"a cluster, each process has its share. Further ones get a 429 with `Retry-After`, but for those that end something, such as deletions, pauses and revocations, which do not count. `0` means no quota.",
		defaultText: "`1800`",
		example: "6000",
		reloads: true,
	}),
	...CUSTOMER_SETTINGS,
	relays: setting(parseBoolean, true, {
		expected: "true or false",
		meaning:
			"Whether clients may make relays: webhooks whose requests a connected program or a browser tab answers, such as that of a developer.",
		defaultText: "`true`",
		example: "false",
		reloads: true,
	}),
	maxRelays: setting(wholeNumber(1, 1_000), 25, {
		expected: "a whole number from 1 to 1000",
		meaning: "The most relays of a project, with those of its customers.",
		defaultText: "`25`",
		example: "100",
		reloads: true,
	}),
	maxRelaysPerCustomer: setting(wholeNumber(1, 1_000), 5, {
		expected: "a whole number from 1 to 1000",
		meaning: "The most relays of one customer, among those of the project.",
		defaultText: "`5`",
		example: "2",
		reloads: true,
	}),
	maxConnections: setting(wholeNumber(16, 100_000), 10_000, {
		expected: "a whole number from 16 to 100000",
		meaning:
			"The most connections of clients at once. Further ones are closed. Never more than half of the descriptors " +
			"that the process may have open (`ulimit -n`).",
		defaultText: "`10000`",
		example: "2000",
	}),
	acceptorThreads: setting(wholeNumber(0, 1), 0, {
		expected: "0 or 1",
		meaning:
			"How many threads accept requests, besides the main thread: it reads the sends, and passes all other requests on to the main thread. " +
			"With `0`, the main thread accepts them. The thread takes 16 MB of memory, and up to 60 while large batches and long responses go through it.",
		defaultText: "`0`",
		example: "1",
	}),
	maxStreams: setting(wholeNumber(1, 50_000), 1_000, {
		expected: "a whole number from 1 to 50000",
		meaning:
			"The most live streams of programs at once; those of the page, 0.2 times as many, and of customers, 0.4 times, come on top. A project " +
			"may have half of what the others leave free of each; further ones get a 503 and can poll. All together, never more than half of the connections of clients.",
		defaultText: "`1000`",
		example: "200",
	}),
	maxWaitingSends: setting(wholeNumber(1, 1_000_000), 20_000, {
		expected: "a whole number from 1 to 1000000",
		meaning:
			"The most sends waiting for their commit at once. A project may use three quarters of what the others leave free; its " +
			"further sends get a 503 with `Retry-After`.",
		defaultText: "`20000`",
		example: "5000",
	}),
	maxEventsPerSecond: setting(wholeNumber(0, HIGHEST_EVENTS_PER_SECOND), NO_QUOTAS.maxEventsPerSecond, {
		expected: `a whole number from 0 to ${HIGHEST_EVENTS_PER_SECOND}`,
		meaning:
			"The events that each project may send in a second, on average. Further ones get a 429 with `Retry-After`. A project can have a " +
			"quota of its own. `0` means no quota.",
		defaultText: `\`${NO_QUOTAS.maxEventsPerSecond}\``,
		example: "500",
		reloads: true,
	}),
	maxStoredBytes: setting(wholeNumber(0, HIGHEST_STORED_BYTES), NO_QUOTAS.maxStoredBytes, {
		expected: `a whole number from 0 to ${HIGHEST_STORED_BYTES}`,
		meaning:
			"The bytes that each project may have stored. Sends beyond it, and retries by hand, get a 429 with `Retry-After`. A project can have a " +
			"quota of its own. With `0`, they are refused while less than 10 % of the volume is free and the project holds more than half of the store.",
		defaultText: `\`${NO_QUOTAS.maxStoredBytes}\``,
		example: "20000000000",
		reloads: true,
	}),
	maxBodyBytesInHand: setting(wholeNumber(16 * 1_024 * 1_024, 4_294_967_296), 64 * 1_024 * 1_024, {
		expected: "a whole number from 16777216 to 4294967296",
		meaning:
			"The most bytes of request bodies in memory at once. A project may use half of what the others leave free; its further " +
			"requests get a 503 with `Retry-After`.",
		defaultText: "`67108864`",
		example: "134217728",
	}),
	maxRefusalsPerSecond: setting(wholeNumber(0, 1_000_000), 500, {
		expected: "a whole number from 0 to 1000000",
		meaning:
			"The refusals, and responses that need neither a key nor the store, that each project, customer, key of the workspace and address without a " +
			"key gets in a second on average; those of two seconds at once. Further ones wait for their time. With `0`, none waits.",
		defaultText: "`500`",
		example: "2000",
	}),
	retentionDays: setting(wholeNumber(0, MAX_RETENTION_DAYS), DEFAULT_RETENTION.retentionDays, {
		expected: `a whole number of days from 0 to ${MAX_RETENTION_DAYS}`,
		meaning:
			"Events are deleted this long after they were accepted, with their deliveries and attempts, " +
			"unless one of their deliveries is still waiting. A project can override it. `0` keeps them forever.",
		defaultText: `\`${DEFAULT_RETENTION.retentionDays}\``,
		example: "90",
		reloads: true,
	}),
	payloadRetentionDays: setting(wholeNumber(0, MAX_RETENTION_DAYS), DEFAULT_RETENTION.payloadRetentionDays, {
		expected: `a whole number of days from 0 to ${MAX_RETENTION_DAYS}`,
		meaning:
			"Payloads and receivers' responses are deleted this long after the event was accepted; the log stays. " +
			"A project can override it. `0` keeps them as long as their event.",
		defaultText: "as long as the event",
		example: "7",
		reloads: true,
	}),
	auditRetentionDays: setting(wholeNumber(0, MAX_RETENTION_DAYS), DEFAULT_RETENTION.auditRetentionDays, {
		expected: `a whole number of days from 0 to ${MAX_RETENTION_DAYS}`,
		meaning: "Entries of the audit log are deleted this long after their change. `0` keeps them forever.",
		defaultText: `\`${DEFAULT_RETENTION.auditRetentionDays}\``,
		example: "730",
		reloads: true,
	}),
	shutdownGraceMs: setting(wholeNumber(0, 3_600_000), 30_000, {
		expected: "a whole number of milliseconds from 0 to 3600000",
		meaning:
			"How long a shutdown waits for attempts in flight before it aborts them. Aborted attempts are repeated later.",
		defaultText: "`30000`",
		example: "10000",
		reloads: true,
	}),
});

/** All settings, parsed and checked. */
export type Config = Readonly<z.output<typeof configSchema>>;

export const SETTING_NAMES = Object.keys(configSchema.shape);

/** The variable of a setting: `dataDir` → `FANFARE_DATA_DIR`. */
export function variableOf(name: string): string {
	return PREFIX + name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** The flag of a setting, without dashes: `dataDir` → `data-dir`. */
export function flagOf(name: string): string {
	return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** True if the variable is reserved for settings of Fanfare, known or not. */
export function isSettingVariable(variable: string): boolean {
	return variable.startsWith(PREFIX);
}

export function metaOf(name: string): SettingMeta {
	const schema = Object.entries(configSchema.shape).find(([key]) => key === name)?.[1];
	const meta = schema === undefined ? undefined : settingMetas.get(schema);
	if (meta === undefined) throw new Error(`there is no setting ${name}`);
	return meta;
}

/** For each setting its flag, variable, meaning and form, for the help of a command. */
export function describeSettings(): readonly {
	/** In `Config`. */
	name: string;
	flag: string;
	variable: string;
	meaning: string;
	/** Continues "must be …". */
	expected: string;
	defaultText: string;
	/** Whether a server that runs takes another value at SIGHUP. */
	reloads: boolean;
	/** Secrets have no flag: other users of the machine can see the arguments of a process. */
	isSecret: boolean;
}[] {
	return SETTING_NAMES.map((name) => {
		const { meaning, expected, defaultText, reloads = false, isSecret = false } = metaOf(name);
		return { name, flag: flagOf(name), variable: variableOf(name), meaning, expected, defaultText, reloads, isSecret };
	});
}
