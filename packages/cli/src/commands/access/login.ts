// `fanfare login`: keeps a server and its key in a profile.
import type { Caller, Client } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { choice, leaf, option } from "../../frame/command.ts";
import { checkUrl, DEFAULT_URL, findProject } from "../../frame/connection.ts";
import { CommandError, EXIT, usageError } from "../../frame/failure.ts";
import {
	checkProfileName,
	profilesFile,
	readProfiles,
	writeProfiles,
	type Profile,
	type Profiles,
} from "../../frame/profiles.ts";
import { askChoice, askSecret, askText } from "../../frame/prompts.ts";
import { readSecret } from "../../frame/values.ts";
import { printable } from "../../text/printable.ts";
import { COLORS, type Color } from "../../text/style.ts";

interface Options extends CommonOptions {
	readonly keyStdin?: boolean;
	readonly color?: Color;
	readonly production?: boolean;
}

/** Adds the command to the program. */
export function addLogin(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "login [url]",
			summary: "Keep a server and its key in a profile.",
			description:
				"The key is asked for, or read from standard input, or from FANFARE_KEY: never from an argument, which others could see. It is kept in a file that only you can read. The profile becomes the one that commands use. A profile of this server that exists gets the new key, and keeps its project, its colour and whether commands ask.",
			args: { url: `The address of the server. Default: ${DEFAULT_URL}.` },
			options: [
				option("--key-stdin", "Read the key from standard input."),
				choice("--color <color>", "The colour of the profile's name in questions.", COLORS),
				option("--production", "Ask before every change."),
			],
			examples: [
				"fanfare login https://fanfare.example.com --profile live --color red --production",
				"fanfare login --key-stdin < key.txt",
			],
		},
		login,
	);
}

async function login(call: Call<Options>, given: string | undefined): Promise<void> {
	const { options } = call;
	const { profiles } = readProfiles();
	const url = checkUrl(await addressOf(call, given), { url: "" });
	if (options.profile !== undefined) checkFree(profiles, options.profile, url);
	const key = await keyOf(call);
	const client = call.clientOf({ url, key });
	const caller = await client.getCaller().catch(withoutLogin);
	const name = checkFree(profiles, await nameOf(call, url, profiles), url);
	const earlier = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
	const projectId = await projectOf(call, client, caller, earlier?.projectId ?? null);
	// A new key must not take away the question before changes.
	const isProduction = options.production ?? earlier?.isProduction ?? false;
	const profile: Profile = { url, key, projectId, color: options.color ?? earlier?.color ?? null, isProduction };
	writeProfiles({ current: name, profiles: { ...profiles, [name]: profile } });
	await call.output.object({ profile: name, url, projectId, isProduction, caller }, name, () => [
		["Profile", `${name} (in ${profilesFile()})`],
		["Server", url],
		["Key", printable(`${caller.name ?? "of a customer"} (${caller.scope ?? "a customer's token"})`)],
		["Project", projectId ?? "none: fanfare projects list shows them"],
		["Production", isProduction ? "yes: commands ask before changes" : null],
	]);
	// Without a project, the first command would fail.
	const isChosen = projectId !== null;
	call.output.done(`Logged in. Next: fanfare ${isChosen ? "webhooks list" : "use --project <id or name>"}`);
}

async function addressOf(call: Call<Options>, given: string | undefined): Promise<string> {
	const { url } = call.options;
	if (given !== undefined && url !== undefined) throw usageError("Give the address once: as <url> or as --url.");
	const address = given ?? url ?? process.env["FANFARE_URL"];
	if (address !== undefined && address !== "") return address;
	if (!call.isInteractive) return DEFAULT_URL;
	return askText("The address of the server", { initial: DEFAULT_URL, check: (text) => void checkUrl(text) });
}

async function keyOf(call: Call<Options>): Promise<string> {
	if (call.options.keyStdin === true) return readSecret("The key", "-");
	const key = process.env["FANFARE_KEY"];
	if (key !== undefined && key !== "") return key;
	if (call.isInteractive) return (await askSecret("An API key of it, such as sk_…")).trim();
	throw usageError("The key is missing: pass it to standard input with --key-stdin, or in FANFARE_KEY.");
}

/** `login` is what must be repeated, and not what to type next. */
async function withoutLogin(error: unknown): Promise<never> {
	const { AuthenticationError } = await import("@fanfare/sdk");
	if (!(error instanceof AuthenticationError)) throw error;
	throw new CommandError(`The server does not know this key: ${error.message}`, EXIT.auth);
}

/** Checks the name, and that no key of another server would be lost. */
function checkFree(profiles: Profiles["profiles"], name: string, url: string): string {
	const earlier = Object.hasOwn(profiles, checkProfileName(name)) ? profiles[name] : undefined;
	if (earlier === undefined || earlier.url === url) return name;
	throw usageError(
		`The profile ${name} is for another server, ${earlier.url}: name another with --profile, or forget that one.`,
		`fanfare logout ${name}`,
	);
}

async function nameOf(call: Call<Options>, url: string, profiles: Profiles["profiles"]): Promise<string> {
	const { profile } = call.options;
	if (profile !== undefined) return profile;
	const host = new URL(url).hostname.replaceAll(/[^A-Za-z0-9._-]/g, "");
	const name = ["127.0.0.1", "localhost", "1", ""].includes(host) ? "local" : host.slice(0, 64);
	return call.isInteractive
		? askText("A name for the profile", { initial: name, check: (text) => void checkFree(profiles, text, url) })
		: name;
}

async function projectOf(
	call: Call<Options>,
	client: Client,
	caller: Caller,
	earlier: string | null,
): Promise<string | null> {
	const named = call.options.project ?? process.env["FANFARE_PROJECT"];
	if (named !== undefined && named !== "") return (await findProject(client, named))?.id ?? null;
	if (caller.projectId !== null) return caller.projectId;
	const projects = await client.listProjects();
	const [only] = projects;
	if (projects.some(({ id }) => id === earlier)) return earlier;
	if (projects.length < 2 || !call.isInteractive) return projects.length === 1 ? (only?.id ?? null) : null;
	return askChoice(
		"The project to use if none is named",
		projects.map(({ id, name }) => ({ value: id, label: printable(name), hint: id })),
	);
}
