// `fanfare use` and `fanfare logout`: choose a profile, and forget one.
import type { Project } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { choice, leaf, option } from "../../frame/command.ts";
import { findProject } from "../../frame/connection.ts";
import { CommandError, EXIT, usageError } from "../../frame/failure.ts";
import { namedProfile, readProfiles, writeProfiles, type Profile } from "../../frame/profiles.ts";
import { printable } from "../../text/printable.ts";
import { COLORS, onStdout, type Color } from "../../text/style.ts";
import type { Column } from "../../text/table.ts";

interface UseOptions extends CommonOptions {
	readonly list?: boolean;
	readonly color?: Color | "none";
	readonly production?: boolean;
}

/** A profile as it is listed: never with its key. */
interface Listed extends Omit<Profile, "key"> {
	readonly name: string;
	readonly isCurrent: boolean;
}

const COLUMNS: readonly Column<Listed>[] = [
	{ title: "", value: ({ isCurrent }) => (isCurrent ? "*" : " ") },
	{
		title: "profile",
		value: ({ name }) => name,
		style: (text, { color }) => (color === null ? text : onStdout(color, text)),
	},
	{ title: "server", value: ({ url }) => url, flexible: true },
	{ title: "project", value: ({ projectId }) => projectId ?? "–", optional: 1 },
	{ title: "", value: ({ isProduction }) => (isProduction ? "production" : "") },
];

/** Adds `use` to the program. */
export function addUse(program: Command): void {
	leaf<UseOptions>(
		program,
		{
			usage: "use [profile]",
			summary: "Choose the profile, and the project, that commands use.",
			description: "Without a profile, it asks on a terminal, and lists the profiles elsewhere.",
			args: { profile: "The name of the profile. Default with other options: the one in use." },
			options: [
				option("-l, --list", "List the profiles, and change nothing."),
				choice("--color <color>", "Give it another colour, or none.", [...COLORS, "none"]),
				option("--production", "From now on, ask before every change."),
				option("--no-production", "No longer ask before changes."),
			],
			examples: ["fanfare use live", "fanfare use --project Shop"],
		},
		use,
	);
}

/** Adds `logout` to the program. */
export function addLogout(program: Command): void {
	leaf(
		program,
		{
			usage: "logout [profile]",
			summary: "Forget a profile and its key.",
			description: "The key goes on working: `fanfare keys delete` ends it.",
			args: { profile: "The name of the profile. Default: the one in use." },
			inProject: false,
		},
		logout,
	);
}

async function use(call: Call<UseOptions>, given: string | undefined): Promise<void> {
	const { list, color, production, project } = call.options;
	const profiles = readProfiles();
	const changes = color !== undefined || production !== undefined || project !== undefined;
	const named = given ?? call.options.profile;
	if (list === true || (named === undefined && !changes && !call.isInteractive)) return listProfiles(call);
	const name = named ?? (changes ? currentOf(profiles.current) : await pick(call, profiles.profiles));
	const profile = namedProfile(profiles, name);
	const chosen = project === undefined ? null : await projectOf(call, profile, project);
	const changed: Profile = {
		...profile,
		projectId: chosen?.id ?? profile.projectId,
		color: color === undefined ? profile.color : color === "none" ? null : color,
		isProduction: production ?? profile.isProduction,
	};
	writeProfiles({ current: name, profiles: { ...profiles.profiles, [name]: changed } });
	await call.output.object(shown(name, changed, true), name, () => [
		["Profile", name],
		["Server", changed.url],
		["Project", chosen === null ? (changed.projectId ?? "none: name one with --project") : nameOf(chosen)],
		["Production", changed.isProduction ? "yes: commands ask before changes" : null],
	]);
}

async function logout(call: Call, given: string | undefined): Promise<void> {
	const profiles = readProfiles();
	const name = given ?? call.options.profile ?? currentOf(profiles.current);
	namedProfile(profiles, name);
	const { [name]: _, ...rest } = profiles.profiles;
	writeProfiles({ current: profiles.current === name ? null : profiles.current, profiles: rest });
	await call.output.object({ profile: name, deleted: true }, name, () => [["Forgotten", name]]);
}

async function listProfiles(call: Call<UseOptions>): Promise<void> {
	const { current, profiles } = readProfiles();
	const rows = Object.entries(profiles).map(([name, profile]) => shown(name, profile, name === current));
	const empty = "There is no profile yet: fanfare login";
	await call.output.list(rows, { columns: COLUMNS, id: ({ name }) => name, limit: Infinity, empty });
}

async function pick(call: Call<UseOptions>, profiles: Readonly<Record<string, Profile>>): Promise<string> {
	const choices = Object.entries(profiles).map(([name, { url }]) => ({ value: name, label: name, hint: url }));
	if (choices.length === 0) throw new CommandError("There is no profile yet.", EXIT.notFound, "fanfare login");
	return call.pick("profile", "profile", choices, "fanfare use --list");
}

/** By name or by id, it must exist. */
async function projectOf(call: Call<UseOptions>, profile: Profile, project: string): Promise<Project> {
	const client = call.clientOf(profile);
	const handle = await findProject(client, project);
	return client.getProject(handle?.id ?? project);
}

function nameOf({ id, name }: Pick<Project, "id" | "name">): string {
	return printable(`${name} (${id})`);
}

function currentOf(current: string | null): string {
	if (current === null) throw usageError("No profile is in use: name one.", "fanfare use --list");
	return current;
}

function shown(name: string, profile: Profile, isCurrent: boolean): Listed {
	const { url, projectId, color, isProduction } = profile;
	return { name, url, projectId, color, isProduction, isCurrent };
}
