// Reads the settings: from environment variables and flags, or from values of a program, to one frozen `Config`. The settings are in
// config/settings.ts.
import { isInjectedByKubernetes } from "./config/kubernetes.ts";
import { fileVariableOf, isFileVariable, readSecret } from "./config/secret-files.ts";
import { configSchema, flagOf, isSettingVariable, metaOf, SETTING_NAMES, variableOf } from "./config/settings.ts";
import type { Config } from "./config/settings.ts";
import { textOf, type Settings } from "./config/values.ts";
import { retentionConflict } from "./core/policies/retention.ts";
import { nearestWord } from "./core/words/nearest-word.ts";

export { renderConfigurationDoc } from "./config/configuration-doc.ts";
export { readSecret } from "./config/secret-files.ts";
export { describeSettings, type Config } from "./config/settings.ts";
export type { Settings } from "./config/values.ts";

const VALUE_SHOWN = 60;
/** A known name at most this many letters away is suggested for an unknown one. */
const HINT_DISTANCE = 3;

/** The settings are not valid. The message has one line per problem. */
export class ConfigError extends Error {
	override readonly name = "ConfigError";
	readonly problems: readonly string[];

	constructor(problems: readonly string[]) {
		super(problems.join("\n"));
		this.problems = problems;
	}
}

/**
 * Reads the settings from `environment`, overridden by `flags` (named like `data-dir`), and secrets also from the files that variables
 * such as `FANFARE_MASTER_KEY_FILE` name. Throws a `ConfigError` that lists all problems at once and contains no secret. Ignores
 * variables that Kubernetes injects.
 *
 * @param foreign variables that begin with `FANFARE_` but belong to another program in the same environment, such as a
 * client
 *
 * @example
 * readConfig(process.env, { port: "0" }).port; // 0
 */
export function readConfig(
	environment: Readonly<Record<string, string | undefined>>,
	flags: Readonly<Record<string, string | undefined>> = {},
	foreign: readonly string[] = [],
): Config {
	const variables = withoutInjected(environment);
	const problems = [...unknownVariables(variables, foreign), ...unknownFlags(flags)];
	const texts: Record<string, string> = {};
	for (const name of SETTING_NAMES) {
		const text = flags[flagOf(name)] ?? valueIn(variables, name, problems);
		if (text !== undefined) texts[name] = text;
	}
	return parse(texts, problems, (name) => {
		if (flags[flagOf(name)] !== undefined) return `--${flagOf(name)}`;
		const fileVariable = fileVariableOf(variableOf(name));
		return variables[fileVariable] === undefined ? variableOf(name) : fileVariable;
	});
}

function valueIn(variables: Readonly<Record<string, string>>, name: string, problems: string[]): string | undefined {
	const variable = variableOf(name);
	if (metaOf(name).isSecret !== true) return variables[variable];
	try {
		return readSecret(variables, variable);
	} catch (error) {
		problems.push(error instanceof Error ? error.message : String(error));
		return undefined;
	}
}

/**
 * Completes settings that a program gives as values. Throws a `ConfigError` that lists all problems at once and contains no secret.
 *
 * @example
 * completeConfig({ port: 0, dataDir: "./fanfare-data", allowNetworks: ["127.0.0.0/8"] }).maxInFlight; // 1024
 */
export function completeConfig(settings: Settings): Config {
	const problems: string[] = [];
	const texts: Record<string, string> = {};
	for (const [name, value] of Object.entries(settings)) {
		if (!SETTING_NAMES.includes(name)) {
			problems.push(`${name} is not a setting of Fanfare${didYouMean(name, SETTING_NAMES)}`);
			continue;
		}
		const text = textOf(value);
		if (text === null) problems.push(`${name} must be ${metaOf(name).expected}, got a value of another kind`);
		else if (text !== undefined) texts[name] = text;
	}
	return parse(texts, problems, (name) => name);
}

/** Parses the texts of settings, by name. `placeOf` says where a setting can be changed. */
function parse(texts: Readonly<Record<string, string>>, problems: string[], placeOf: (name: string) => string): Config {
	const result = configSchema.safeParse(texts);
	for (const { path } of result.error?.issues ?? []) {
		const name = String(path[0]);
		problems.push(badValue(placeOf(name), metaOf(name), texts[name] ?? ""));
	}
	if (result.success) problems.push(...conflicts(result.data, placeOf));
	if (!result.success || problems.length > 0) throw new ConfigError(problems);
	return Object.freeze(result.data);
}

function withoutInjected(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
	const kept: Record<string, string> = {};
	for (const [name, value] of Object.entries(environment)) {
		if (value !== undefined && !isInjectedByKubernetes(name, value)) kept[name] = value;
	}
	return kept;
}

/** Problems of settings that are valid alone but not together. */
function conflicts(config: Config, placeOf: (name: string) => string): string[] {
	const { retentionDays, payloadRetentionDays, proxy, noProxy, actorHeader, trustedProxies } = config;
	const { databaseUrl, masterKey, expectStandby, role, natsUrl, natsCredentials } = config;
	const problems: string[] = [];
	const needs = (name: string, needed: string) => {
		problems.push(
			`${placeOf(name)} is set, but ${placeOf(needed)} is not: set it too, or leave ${placeOf(name)} unset`,
		);
	};
	const retention = retentionConflict(retentionDays, payloadRetentionDays);
	if (retention !== null) problems.push(`${placeOf("payloadRetentionDays")} ${retention}`);
	if (noProxy.length > 0 && proxy === null) needs("noProxy", "proxy");
	if (actorHeader !== null && trustedProxies.length === 0) needs("actorHeader", "trustedProxies");
	if (databaseUrl !== null && masterKey === null) needs("databaseUrl", "masterKey");
	if (expectStandby && databaseUrl === null) needs("expectStandby", "databaseUrl");
	if (natsUrl !== null && databaseUrl === null) needs("natsUrl", "databaseUrl");
	if (natsCredentials !== null && natsUrl === null) needs("natsCredentials", "natsUrl");
	if (databaseUrl === null && role !== "all") {
		problems.push(
			`${placeOf("role")} is ${role}, but ${placeOf("databaseUrl")} is not set: a data directory belongs to one process, which does ` +
				`everything. Set ${placeOf("databaseUrl")}, or leave ${placeOf("role")} unset`,
		);
	}
	return problems;
}

function badValue(place: string, meta: ReturnType<typeof metaOf>, text: string): string {
	if (text === "") return `${place} is set but empty: give it a value, or leave it unset`;
	const masked = withoutUserInfo(text);
	const shown = masked.length > VALUE_SHOWN ? `${masked.slice(0, VALUE_SHOWN)}…` : masked;
	const got = meta.isSecret === true ? "a value that is not shown because it is secret" : JSON.stringify(shown);
	return `${isFileVariable(place) ? `the content of ${place}` : place} must be ${meta.expected}, got ${got}`;
}

/** Replaces the user info of a URL, which may have a password: `https://…@host`. */
function withoutUserInfo(text: string): string {
	return text.replace(/^([a-z]+:\/\/).*@/is, "$1…@");
}

function unknownVariables(environment: Readonly<Record<string, string>>, foreign: readonly string[]): string[] {
	const known = SETTING_NAMES.flatMap((name) => {
		const variable = variableOf(name);
		return metaOf(name).isSecret === true ? [variable, fileVariableOf(variable)] : [variable];
	});
	return Object.keys(environment)
		.filter(isSettingVariable)
		.filter((name) => !known.includes(name) && !foreign.includes(name))
		.map((name) => {
			return `${name} is not a setting of Fanfare${didYouMean(name, known)}`;
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
	const nearest = nearestWord(name, known, HINT_DISTANCE);
	return nearest === null ? ": remove it (fanfare serve --help lists the settings)" : `: did you mean ${nearest}?`;
}
