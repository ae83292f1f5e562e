// The table of all settings: how each is parsed, its default, and its description for the documentation and the help.
import { z } from "zod";

import { DEFAULT_RETENTION, MAX_RETENTION_DAYS } from "../core/policies/retention.ts";
import { LOG_LEVELS } from "../ports/log.ts";
import {
	parseBoolean,
	parseHost,
	parseMasterKey,
	parseNetworks,
	parsePath,
	parseProxyUrl,
	parsePublicUrl,
	parseSecretKey,
	wholeNumber,
} from "./parse.ts";

const PREFIX = "FANFARE_";

/** The description of a setting. */
interface SettingMeta {
	/** Continues "must be …". */
	readonly expected: string;
	readonly meaning: string;
	/** The default as the documentation shows it. */
	readonly defaultText: string;
	readonly example: string;
	/** Its value never appears in an error, and it has no flag. */
	readonly isSecret?: boolean;
}

const metas = z.registry<SettingMeta>();

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
			"It is in the message at the start, in the OpenAPI document and in `/docs`.",
		defaultText: "none",
		example: "https://fanfare.example.com",
	}),
	trustedProxies: setting<readonly string[], readonly string[]>(parseNetworks, Object.freeze([]), {
		expected: "a list of networks such as 10.0.0.0/8,fd00::/8",
		meaning:
			"Networks of proxies in front of the server, separated by commas. `X-Forwarded-For` is believed only from them. " +
			"It decides the `clientAddress` in the log, and never who may do what.",
		defaultText: "none",
		example: "127.0.0.1,10.1.0.0/16",
	}),
	dataDir: setting(parsePath, "./fanfare-data", {
		expected: "the path of a directory",
		meaning: "The directory for events, deliveries and keys. Only one server at a time can use it.",
		defaultText: "`./fanfare-data`",
		example: "/var/lib/fanfare",
	}),
	adminKey: setting(parseSecretKey, null, {
		expected: "sk_ and 43 characters of A–Z a–z 0–9 - _",
		meaning:
			"An admin key. Each start adds it if it does not exist; other keys stay valid until they are deleted. " +
			"If not set, the first start generates one and prints it once.",
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
	}),
	allowNetworks: setting<readonly string[], readonly string[]>(parseNetworks, Object.freeze([]), {
		expected: "a list of networks such as 10.0.0.0/8,fd00::/8",
		meaning: "Networks that endpoints may be in although their addresses are not public, separated by commas.",
		defaultText: "none",
		example: "10.1.0.0/16,127.0.0.1",
	}),
	proxy: setting(parseProxyUrl, null, {
		expected: "a URL such as http://proxy.example:3128 or http://user:password@proxy.example:3128",
		meaning: "A forward proxy for all attempts.",
		defaultText: "none",
		example: "http://proxy.example:3128",
		isSecret: true,
	}),
	logLevel: setting((value) => LOG_LEVELS.find((level) => level === value), "info", {
		expected: `one of ${LOG_LEVELS.join(", ")}`,
		meaning: "The least severe level that is logged.",
		defaultText: "`info`",
		example: "debug",
	}),
	maxInFlight: setting(wholeNumber(1, 100_000), 1_024, {
		expected: "a whole number from 1 to 100000",
		meaning: "The most attempts in flight at once.",
		defaultText: "`1024`",
		example: "256",
	}),
	maxInFlightPerWebhook: setting(wholeNumber(1, 100_000), 256, {
		expected: "a whole number from 1 to 100000",
		meaning: "The most attempts in flight at once to one webhook.",
		defaultText: "`256`",
		example: "8",
	}),
	maxWaitingSends: setting(wholeNumber(1, 1_000_000), 20_000, {
		expected: "a whole number from 1 to 1000000",
		meaning: "The most sends waiting for their commit at once. Further ones get a 503 with `Retry-After`.",
		defaultText: "`20000`",
		example: "5000",
	}),
	maxBodyBytesInHand: setting(wholeNumber(8 * 1_024 * 1_024, 4_294_967_296), 64 * 1_024 * 1_024, {
		expected: "a whole number from 8388608 to 4294967296",
		meaning: "The most bytes of request bodies in memory at once. Further requests get a 503 with `Retry-After`.",
		defaultText: "`67108864`",
		example: "134217728",
	}),
	retentionDays: setting(wholeNumber(0, MAX_RETENTION_DAYS), DEFAULT_RETENTION.retentionDays, {
		expected: `a whole number of days from 0 to ${MAX_RETENTION_DAYS}`,
		meaning:
			"Events are deleted this long after they were accepted, with their deliveries and attempts, " +
			"unless one of their deliveries is still waiting. A project can override it. `0` keeps them forever.",
		defaultText: `\`${DEFAULT_RETENTION.retentionDays}\``,
		example: "90",
	}),
	payloadRetentionDays: setting(wholeNumber(0, MAX_RETENTION_DAYS), DEFAULT_RETENTION.payloadRetentionDays, {
		expected: `a whole number of days from 0 to ${MAX_RETENTION_DAYS}`,
		meaning:
			"Payloads and receivers' responses are deleted this long after the event was accepted; the log stays. " +
			"A project can override it. `0` keeps them as long as their event.",
		defaultText: "as long as the event",
		example: "7",
	}),
	shutdownGraceMs: setting(wholeNumber(0, 3_600_000), 30_000, {
		expected: "a whole number of milliseconds from 0 to 3600000",
		meaning:
			"How long a shutdown waits for attempts in flight before it aborts them. Aborted attempts are repeated later.",
		defaultText: "`30000`",
		example: "10000",
	}),
});

/** All settings, parsed and checked. */
export type Config = Readonly<z.output<typeof configSchema>>;

/** Variables of later versions. Setting one is an error, because it must not seem to work. */
export const UNSUPPORTED: Readonly<Record<string, string>> = {
	FANFARE_DATABASE_URL: "PostgreSQL is not supported in this version; leave it unset and use FANFARE_DATA_DIR",
	FANFARE_NATS_URL: "NATS is not supported in this version; leave it unset",
};

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
	const meta = schema === undefined ? undefined : metas.get(schema);
	if (meta === undefined) throw new Error(`there is no setting ${name}`);
	return meta;
}

/** For each setting its flag, variable, meaning and form, for the help of a command. */
export function describeSettings(): readonly {
	flag: string;
	variable: string;
	meaning: string;
	/** Continues "must be …". */
	expected: string;
	defaultText: string;
	/** Secrets have no flag: other users of the machine can see the arguments of a process. */
	isSecret: boolean;
}[] {
	return SETTING_NAMES.map((name) => {
		const { meaning, expected, defaultText, isSecret = false } = metaOf(name);
		return { flag: flagOf(name), variable: variableOf(name), meaning, expected, defaultText, isSecret };
	});
}

/** The text of docs/configuration.md. */
export function renderConfigurationDoc(): string {
	const rows = SETTING_NAMES.map((name) => {
		const { meaning, expected, defaultText, example, isSecret } = metaOf(name);
		const shown = isSecret === true && !example.startsWith("http") ? example : `\`${example}\``;
		const flag = isSecret === true ? "–" : `\`--${flagOf(name)}\``;
		return `| \`${variableOf(name)}\` | ${flag} | ${meaning} Must be ${expected}. | ${defaultText} | ${shown} |`;
	});
	return `# Configuration

<!-- Generated by \`npm run generate\` from packages/server/src/config/settings.ts. Change it there. -->

All settings are optional. Flags of \`fanfare serve\` override environment variables, and these override the defaults.
Secrets have no flag, because other users of the machine can see the arguments of a process. If a value is invalid or empty,
or the name of a variable or flag is unknown, the server does not start, and an error names the setting.

| variable | flag | meaning | default | example |
| --- | --- | --- | --- | --- |
${rows.join("\n")}

These variables are reserved for later versions, and setting one is an error: ${Object.keys(UNSUPPORTED)
		.map((name) => `\`${name}\``)
		.join(", ")}.
`;
}

/** Defines a setting. `parse` returns undefined for an invalid text; an empty text is always invalid. */
function setting<T, D extends T | null>(parse: (text: string) => T | undefined, byDefault: D, meta: SettingMeta) {
	const schema = z
		.string()
		.transform((text, context): T => {
			const value = text === "" ? undefined : parse(text);
			if (value !== undefined) return value;
			context.addIssue({ code: "custom", message: `must be ${meta.expected}` });
			return z.NEVER;
		})
		.optional()
		.transform((value): T | D => (value === undefined ? byDefault : value));
	metas.add(schema, meta);
	return schema;
}
