// `fanfare config`: the settings that are in force, and where each comes from. Secrets are masked.
import type { Command } from "commander";

import { DEFAULT_URL } from "../../frame/connection.ts";
import { profilesFile, readProfiles } from "../../frame/profiles.ts";
import { reportAndExit } from "../../report.ts";
import { readSettings, settingsInFile, SETTINGS_FILE } from "../../settings-file.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { renderTable, type Column } from "../../text/table.ts";
import { addSettingOptions, settingsBySubject, toFlags } from "./setting-options.ts";

interface Options extends Readonly<Record<string, unknown>> {
	readonly all?: boolean;
	readonly json?: boolean;
}

/** A setting that is in force. */
interface InForce {
	/** `server` or `command`. */
	readonly of: "server" | "command";
	readonly name: string;
	readonly value: string;
	/** A flag, a variable, a file, or `default`. */
	readonly source: string;
}

const MASK = "***";
const COLUMNS: readonly Column<InForce>[] = [
	{ title: "setting", value: ({ name }) => name },
	{ title: "value", value: ({ value }) => value, flexible: true },
	{
		title: "from",
		value: ({ source }) => source,
		style: (text, { source }) => (source === "default" ? onStdout("dim", text) : text),
	},
];

/** Adds the command to the program. */
export function addConfig(program: Command): void {
	const command = program
		.command("config")
		.summary("Show the settings that are in force, and where they come from.")
		.description(
			"Show the settings of a server that would be started here, in this environment and with these options, and those of the command itself, with the place that each comes from. Secrets are masked. Fails like the start if a setting is not valid.",
		)
		.option("--all", "Also those that have their defaults.")
		.option("--json", "Print JSON: one object a line, with all of them.");
	addSettingOptions(command);
	command.action((options: Options) => {
		try {
			show(options);
		} catch (error) {
			reportAndExit(error);
		}
	});
}

function show({ all = false, json = false, ...options }: Options): void {
	const flags = toFlags(options);
	// It checks them all.
	readSettings(process.env, flags);
	const rows = [...serverSettings(flags), ...commandSettings()];
	if (json) return write(rows.map((row) => printableJson(row)));
	const shown = rows.filter(({ source }) => all || source !== "default");
	const width = process.stdout.isTTY ? process.stdout.columns : Infinity;
	const table = (of: InForce["of"]) =>
		renderTable(
			COLUMNS,
			shown.filter((row) => row.of === of),
			width,
		);
	write([onStdout("bold", "Server"), ...table("server"), "", onStdout("bold", "Command"), ...table("command")]);
	const hidden = rows.length - shown.length;
	if (hidden > 0) process.stderr.write(`\n${hidden} have their defaults: --all shows them.\n`);
}

function serverSettings(flags: Readonly<Record<string, string>>): InForce[] {
	const inFile = settingsInFile(process.env, flags);
	return settingsBySubject().map(({ flag, variable, defaultText, isSecret }) => {
		const row = (value: string, source: string): InForce => ({
			of: "server",
			name: flag,
			value: printable(value),
			source,
		});
		const fileVariable = `${variable}_FILE`;
		if (isSecret && process.env[fileVariable] !== undefined) return row(MASK, fileVariable);
		const file = inFile[variable];
		if (file !== undefined) return row(file, process.env[SETTINGS_FILE] ?? "");
		const given = flags[flag] ?? process.env[variable];
		if (given === undefined) return row(defaultText.replaceAll("`", ""), "default");
		return row(isSecret ? MASK : withoutUserInfo(given), flags[flag] === undefined ? variable : `--${flag}`);
	});
}

function commandSettings(): InForce[] {
	const variable = (name: string) => (process.env[name] === "" ? undefined : process.env[name]);
	const key = variable("FANFARE_KEY");
	const file = profilesFile();
	const { current, profiles } = readProfiles(file);
	const name = variable("FANFARE_PROFILE") ?? (key === undefined ? (current ?? undefined) : undefined);
	const profile = name !== undefined && Object.hasOwn(profiles, name) ? profiles[name] : undefined;
	const ofProfile = `profile ${name ?? ""}`;
	const row = (setting: string, value: string, source: string): InForce => ({
		of: "command",
		name: setting,
		value: printable(value),
		source,
	});
	const from = (setting: string, own: string, inProfile: string | null | undefined, byDefault: string) => {
		const given = variable(own);
		if (given !== undefined && (profile === undefined || own !== "FANFARE_URL"))
			return row(setting, withoutUserInfo(given), own);
		return inProfile === undefined || inProfile === null
			? row(setting, byDefault, "default")
			: row(setting, inProfile, ofProfile);
	};
	return [
		row(
			"profile",
			name ?? "none",
			variable("FANFARE_PROFILE") !== undefined ? "FANFARE_PROFILE" : name === undefined ? "default" : file,
		),
		from("url", "FANFARE_URL", profile?.url, DEFAULT_URL),
		row(
			"key",
			profile === undefined && key === undefined ? "none" : MASK,
			profile !== undefined ? ofProfile : key === undefined ? "default" : "FANFARE_KEY",
		),
		from("project", "FANFARE_PROJECT", profile?.projectId, "the only one, or that of the key"),
		from("timeout", "FANFARE_TIMEOUT", null, "30s"),
		row("profiles-file", file, variable("FANFARE_CONFIG_DIR") === undefined ? "default" : "FANFARE_CONFIG_DIR"),
	];
}

/** A URL may have a password. */
function withoutUserInfo(text: string): string {
	return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^@/\s]*@/gi, `$1${MASK}@`);
}

function write(lines: readonly string[]): void {
	process.stdout.write(`${lines.join("\n")}\n`);
}
