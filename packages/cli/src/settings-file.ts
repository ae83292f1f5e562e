// The settings of a server: from flags, the environment, and a file with those that can change while it runs, which SIGHUP reads again.
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";

import { ConfigError, describeSettings, isInjectedByKubernetes, readConfig, type Config } from "@fanfare/server";

import { FOREIGN_VARIABLES } from "./foreign-variables.ts";

/** The variable that names the file. */
export const SETTINGS_FILE = "FANFARE_SETTINGS_FILE";

/** Names of unknown variables in a message. */
const MAX_NAMED = 5;
const LINE = /^(?:export\s+)?([A-Za-z_]\w*)\s*=/;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks the settings. Throws a `ConfigError` that lists all problems. */
export function readSettings(env: Environment, flags: Readonly<Record<string, string>>): Config {
	return readConfig({ ...env, ...settingsInFile(env, flags) }, flags, FOREIGN_VARIABLES);
}

/** What the file says, by variable; nothing if no file is named. A setting has one place: what is also set elsewhere would have no effect. */
export function settingsInFile(env: Environment, flags: Readonly<Record<string, string>>): Record<string, string> {
	const path = env[SETTINGS_FILE];
	if (path === undefined) return {};
	const known = new Map(describeSettings().map((setting) => [setting.variable, setting]));
	const problems: string[] = [];
	const found = new Map<string, string>();
	let hasSetting = false;
	for (const [index, line] of textOf(path).split(/\r?\n/).entries()) {
		const text = line.trim();
		if (text === "" || text.startsWith("#")) continue;
		const [, variable] = LINE.exec(text) ?? [];
		const place = `${path}, line ${index + 1}`;
		if (variable === undefined) {
			problems.push(`${place} must be of the form FANFARE_LOG_LEVEL=debug`);
			continue;
		}
		const value = parseEnv(text)[variable] ?? "";
		const isInjected = isInjectedByKubernetes(variable, value);
		const setting = isInjected ? undefined : known.get(variable);
		if (setting?.reloads === false) {
			problems.push(`${place}: ${variable} cannot change while the server runs: set it in the environment`);
		} else if (setting !== undefined && (env[variable] !== undefined || flags[setting.flag] !== undefined)) {
			const other = env[variable] !== undefined ? "in the environment" : `by --${setting.flag}`;
			problems.push(`${place}: ${variable} is also set ${other}: remove one of them`);
		} else if (found.has(variable)) {
			problems.push(`${place}: ${variable} appears a second time: remove one of them`);
		}
		// An unknown one of Fanfare, such as a misspelt one, is refused by name later.
		hasSetting ||= variable.startsWith("FANFARE_") && !FOREIGN_VARIABLES.includes(variable) && !isInjected;
		found.set(variable, value);
	}
	if (problems.length > 0) throw new ConfigError(problems);
	if (!hasSetting) {
		// It is more likely that the file was not written yet, or is another one, than that all settings should have their defaults.
		const others = [...found.keys()].slice(0, MAX_NAMED).join(", ");
		throw new ConfigError([
			`${path} must contain a setting such as FANFARE_LOG_LEVEL=info, ${others === "" ? "got none" : `got only others: ${others}`}. ` +
				"Without one, each setting would have its default",
		]);
	}
	return Object.fromEntries([...found].filter(([variable, value]) => !isInjectedByKubernetes(variable, value)));
}

function textOf(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		throw new ConfigError([`${SETTINGS_FILE} must name a file that can be read: ${(error as Error).message}`]);
	}
}
