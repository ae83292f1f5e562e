// Settings: environment and flags → one frozen Config. A bad value is an error that names where it stands.
import { isIP } from "node:net";

import { z } from "zod";

import { isSecretKey } from "./core/crypto/key.ts";
import { MASTER_KEY_BYTES } from "./core/crypto/sealing.ts";
import { DEFAULT_RETENTION, MAX_RETENTION_DAYS, retentionConflict } from "./core/policies/retention.ts";

const PREFIX = "FANFARE_";
const VALUE_SHOWN = 60;
/** How many letters a name may differ in and still be taken for a slip. */
const HINT_DISTANCE = 3;
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** What is known about a setting besides its type. */
interface SettingMeta {
	/** Continues "must be …". */
	readonly expected: string;
	readonly meaning: string;
	/** As the document shows it. */
	readonly defaultText: string;
	readonly example: string;
	/** Never repeated in an error. */
	readonly isSecret?: boolean;
}

const metas = z.registry<SettingMeta>();

/** Each setting by its name in `Config`. Its variable is that name in capitals: `dataDir` is `FANFARE_DATA_DIR`. */
const configSchema = z.object({
	host: setting(parseHost, "127.0.0.1", {
		expected: "a host name or an IP address",
		meaning: "The address to listen on. `0.0.0.0` listens on all of them; put a proxy with TLS before it then.",
		defaultText: "`127.0.0.1`",
		example: "0.0.0.0",
	}),
	port: setting(wholeNumber(0, 65_535), 8_787, {
		expected: "a port number (0–65535)",
		meaning: "The port to listen on. `0` takes any free one and prints it.",
		defaultText: "`8787`",
		example: "8080",
	}),
	dataDir: setting((value) => (value.includes("\0") ? undefined : value), "./fanfare-data", {
		expected: "the path of a directory",
		meaning: "Where events, deliveries and keys are stored. One server at a time uses it.",
		defaultText: "`./fanfare-data`",
		example: "/var/lib/fanfare",
	}),
	adminKey: setting((value) => (isSecretKey(value) ? value : undefined), null, {
		expected: "sk_ and 43 characters of A–Z a–z 0–9 - _",
		meaning:
			"An admin key that each start makes sure of: it is added if it is missing, and other keys stay until they are deleted. " +
			"Not set: the first start makes one and prints it once.",
		defaultText: "made at the first start",
		example: "the output of `node -p \"'sk_' + crypto.randomBytes(32).toString('base64url')\"`",
		isSecret: true,
	}),
	masterKey: setting(parseMasterKey, null, {
		expected: "32 bytes in base64 (44 characters) or hexadecimal (64 characters)",
		meaning: "Encrypts webhook secrets at rest. Not set: one is made and kept beside the data.",
		defaultText: "made at the first start",
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
		meaning: "Networks that are not public and may be called all the same, separated by commas.",
		defaultText: "none",
		example: "10.1.0.0/16,127.0.0.1",
	}),
	proxy: setting(parseProxyUrl, null, {
		expected: "a URL such as http://proxy.example:3128 or http://user:password@proxy.example:3128",
		meaning: "A forward proxy that all attempts go through.",
		defaultText: "none",
		example: "http://proxy.example:3128",
		isSecret: true,
	}),
	logLevel: setting((value) => LOG_LEVELS.find((level) => level === value), "info", {
		expected: `one of ${LOG_LEVELS.join(", ")}`,
		meaning: "How much is logged.",
		defaultText: "`info`",
		example: "debug",
	}),
	maxInFlight: setting(wholeNumber(1, 100_000), 1_024, {
		expected: "a whole number from 1 to 100000",
		meaning: "Attempts under way at once, in all.",
		defaultText: "`1024`",
		example: "256",
	}),
	maxInFlightPerWebhook: setting(wholeNumber(1, 100_000), 256, {
		expected: "a whole number from 1 to 100000",
		meaning: "Attempts under way at once to one webhook.",
		defaultText: "`256`",
		example: "8",
	}),
	maxWaitingSends: setting(wholeNumber(1, 1_000_000), 20_000, {
		expected: "a whole number from 1 to 1000000",
		meaning: "Sends that wait for their commit at once; more are answered 503 with `Retry-After`.",
		defaultText: "`20000`",
		example: "5000",
	}),
	maxBodyBytesInHand: setting(wholeNumber(8 * 1_024 * 1_024, 4_294_967_296), 64 * 1_024 * 1_024, {
		expected: "a whole number from 8388608 to 4294967296",
		meaning: "Bytes of request bodies in memory at once; more are answered 503 with `Retry-After`.",
		defaultText: "`67108864`",
		example: "134217728",
	}),
	retentionDays: setting(wholeNumber(0, MAX_RETENTION_DAYS), DEFAULT_RETENTION.retentionDays, {
		expected: `a whole number of days from 0 to ${MAX_RETENTION_DAYS}`,
		meaning:
			"Events are deleted so long after their acceptance, with their deliveries and attempts, unless something of them waits. " +
			"A project can set its own. `0` keeps for ever.",
		defaultText: `\`${DEFAULT_RETENTION.retentionDays}\``,
		example: "90",
	}),
	payloadRetentionDays: setting(wholeNumber(0, MAX_RETENTION_DAYS), DEFAULT_RETENTION.payloadRetentionDays, {
		expected: `a whole number of days from 0 to ${MAX_RETENTION_DAYS}`,
		meaning:
			"Payloads, and what receivers answered, are deleted so long after the event's acceptance, while the log stays. " +
			"A project can set its own. `0` keeps them as long as their event.",
		defaultText: "as long as the event",
		example: "7",
	}),
	shutdownGraceMs: setting(wholeNumber(0, 3_600_000), 30_000, {
		expected: "a whole number of milliseconds from 0 to 3600000",
		meaning: "How long a stop waits for attempts under way before it ends them. Ended ones are made again.",
		defaultText: "`30000`",
		example: "10000",
	}),
});

/** All settings, checked. */
export type Config = Readonly<z.output<typeof configSchema>>;

/** Names that belong to a later version: setting one must not look as if it worked. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
	FANFARE_DATABASE_URL: "PostgreSQL is not supported in this version; leave it unset and use FANFARE_DATA_DIR",
	FANFARE_NATS_URL: "NATS is not supported in this version; leave it unset",
};

/** Settings that the server cannot start with; one problem a line. */
export class ConfigError extends Error {
	override readonly name = "ConfigError";
	readonly problems: readonly string[];

	constructor(problems: readonly string[]) {
		super(problems.join("\n"));
		this.problems = problems;
	}
}

/**
 * The settings of `environment`, overridden by `flags`, which have the names of `flagOf`. Throws a `ConfigError` that
 * lists everything that is wrong; secret values are never in it. `foreign` are names that begin like ours and belong to
 * another program in the same environment, such as a client of Fanfare.
 *
 * @example
 * readConfig(process.env, { port: "0" }).port; // 0
 */
export function readConfig(
	environment: Readonly<Record<string, string | undefined>>,
	flags: Readonly<Record<string, string | undefined>> = {},
	foreign: readonly string[] = [],
): Config {
	const problems = [...unknownVariables(environment, foreign), ...unknownFlags(flags)];
	const texts: Record<string, string> = {};
	for (const name of SETTING_NAMES) {
		const text = flags[flagOf(name)] ?? environment[variableOf(name)];
		if (text !== undefined) texts[name] = text;
	}
	const result = configSchema.safeParse(texts);
	for (const { path } of result.error?.issues ?? []) {
		const name = String(path[0]);
		const place = flags[flagOf(name)] === undefined ? variableOf(name) : `--${flagOf(name)}`;
		problems.push(badValue(place, metaOf(name), texts[name] ?? ""));
	}
	if (result.success) problems.push(...conflicts(result.data));
	if (!result.success || problems.length > 0) throw new ConfigError(problems);
	return Object.freeze(result.data);
}

/** What is wrong only together. */
function conflicts({ retentionDays, payloadRetentionDays }: Config): string[] {
	const message = retentionConflict(retentionDays, payloadRetentionDays);
	return message === null ? [] : [`${variableOf("payloadRetentionDays")} ${message}`];
}

/** The variable of a setting: `dataDir` → `FANFARE_DATA_DIR`. */
export function variableOf(name: string): string {
	return PREFIX + name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** The flag of a setting, without dashes: `dataDir` → `data-dir`. */
export function flagOf(name: string): string {
	return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** For each setting its flag, variable, meaning and form, for a command's help. */
export function describeSettings(): readonly {
	flag: string;
	variable: string;
	meaning: string;
	/** Continues "must be …". */
	expected: string;
	defaultText: string;
	/** Its value is not for the eyes of others on the machine, who can see the arguments of a process. */
	isSecret: boolean;
}[] {
	return SETTING_NAMES.map((name) => {
		const { meaning, expected, defaultText, isSecret = false } = metaOf(name);
		return { flag: flagOf(name), variable: variableOf(name), meaning, expected, defaultText, isSecret };
	});
}

/** docs/configuration.md, made from the schema. */
export function renderConfigurationDoc(): string {
	const rows = SETTING_NAMES.map((name) => {
		const { meaning, expected, defaultText, example, isSecret } = metaOf(name);
		const shown = isSecret === true && !example.startsWith("http") ? example : `\`${example}\``;
		const flag = isSecret === true ? "–" : `\`--${flagOf(name)}\``;
		return `| \`${variableOf(name)}\` | ${flag} | ${meaning} Must be ${expected}. | ${defaultText} | ${shown} |`;
	});
	return `# Configuration

<!-- Made by \`npm run generate\` from packages/server/src/config.ts. Change it there. -->

Fanfare runs without any of these. Flags of \`fanfare serve\` override the environment, the environment overrides the
defaults; secrets have no flag, since others on the machine can see the arguments of a process. A bad value, an empty one, or a name that is not here stops the start with a sentence that names it.

| variable | flag | meaning | default | example |
| --- | --- | --- | --- | --- |
${rows.join("\n")}

These names are kept for later versions, and refused in this one: ${Object.keys(UNSUPPORTED)
		.map((name) => `\`${name}\``)
		.join(", ")}.
`;
}

const SETTING_NAMES = Object.keys(configSchema.shape);

function metaOf(name: string): SettingMeta {
	const schema = Object.entries(configSchema.shape).find(([key]) => key === name)?.[1];
	const meta = schema === undefined ? undefined : metas.get(schema);
	if (meta === undefined) throw new Error(`there is no setting ${name}`);
	return meta;
}

function badValue(place: string, meta: SettingMeta, text: string): string {
	if (text === "") return `${place} is set but empty: give it a value, or leave it unset`;
	const shown = text.length > VALUE_SHOWN ? `${text.slice(0, VALUE_SHOWN)}…` : text;
	const got = meta.isSecret === true ? "something else" : JSON.stringify(shown);
	return `${place} must be ${meta.expected}, got ${got}`;
}

function unknownVariables(
	environment: Readonly<Record<string, string | undefined>>,
	foreign: readonly string[],
): string[] {
	const known = SETTING_NAMES.map(variableOf);
	return Object.keys(environment)
		.filter((name) => name.startsWith(PREFIX) && environment[name] !== undefined)
		.filter((name) => !known.includes(name) && !foreign.includes(name))
		.map((name) => {
			const unsupported = UNSUPPORTED[name];
			return unsupported === undefined
				? `${name} is not a setting of Fanfare${didYouMean(name, known)}`
				: `${name} is set, but ${unsupported}`;
		});
}

function unknownFlags(flags: Readonly<Record<string, string | undefined>>): string[] {
	const known = SETTING_NAMES.map((name) => `--${flagOf(name)}`);
	return Object.keys(flags)
		.map((flag) => `--${flag}`)
		.filter((flag) => !known.includes(flag))
		.map((flag) => `${flag} is not a setting of Fanfare${didYouMean(flag, known)}`);
}

function didYouMean(name: string, known: readonly string[]): string {
	const [nearest] = known
		.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
		.sort((a, b) => a.distance - b.distance);
	return nearest !== undefined && nearest.distance <= HINT_DISTANCE ? `: did you mean ${nearest.candidate}?` : "";
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}
		row = next;
	}
	return row[b.length] ?? 0;
}

/** A setting: `parse` gives undefined for a text that is not one. An empty text never is. */
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

function parseHost(text: string): string | undefined {
	return /^[A-Za-z0-9._-]+$/.test(text) || isIP(text) !== 0 ? text : undefined;
}

function wholeNumber(min: number, max: number): (text: string) => number | undefined {
	return (text) => {
		const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
		return value >= min && value <= max ? value : undefined;
	};
}

function parseBoolean(text: string): boolean | undefined {
	if (text === "true" || text === "1") return true;
	return text === "false" || text === "0" ? false : undefined;
}

function parseMasterKey(text: string): Uint8Array | undefined {
	if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
	if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
	const bytes = Buffer.from(text, "base64");
	return bytes.length === MASTER_KEY_BYTES ? bytes : undefined;
}

/** Only the form; the address guard reads them exactly, and refuses an address inside a network. */
function parseNetworks(text: string): readonly string[] | undefined {
	const networks = text.split(",").map((network) => network.trim());
	return networks.every(isNetwork) ? Object.freeze(networks) : undefined;
}

function isNetwork(text: string): boolean {
	const [address = "", bits, ...rest] = text.split("/");
	const version = isIP(address);
	if (version === 0 || address.includes("%") || rest.length > 0) return false;
	return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32));
}

function parseProxyUrl(text: string): string | undefined {
	return URL.canParse(text) && new URL(text).protocol === "http:" ? text : undefined;
}
