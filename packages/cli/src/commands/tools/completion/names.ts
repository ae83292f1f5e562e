// Names for completion: webhooks, projects and event types from the server, profiles from their file.
import type { FetchLike } from "@fanfare/sdk";

import { findConnection, findProject } from "../../../frame/connection.ts";
import { timeoutOf } from "../../../frame/patience.ts";
import { readProfiles } from "../../../frame/profiles.ts";
import { printable } from "../../../text/printable.ts";
import { SHELLS } from "./scripts.ts";

/** A word that could come next. */
export interface Candidate {
	readonly value: string;
	readonly description: string;
}

/** Nobody waits longer for a word, unless the variable says so. */
const TIMEOUT_MS = 1_500;
const TIMEOUT_VARIABLE = "FANFARE_COMPLETION_TIMEOUT";
const MAX_NAMES = 100;
/** What a shell takes as one word. */
const WORD = /^[A-Za-z0-9._@%+,/-]+$/;

/** The names of a noun, such as `webhook`, that could follow. Rejects if the server does not answer in time. */
export async function namesFor(noun: string, typed: string, words: readonly string[]): Promise<Candidate[]> {
	switch (noun) {
		case "shell":
			return SHELLS.map((value) => ({ value, description: "" }));
		case "profile":
			return Object.entries(readProfiles().profiles).map(([value, { url }]) => ({ value, description: url }));
		case "project":
			return projects(typed, words);
		case "webhook":
			return webhooks(typed, words);
		case "event-type":
		case "eventType":
			return eventTypes(words);
		default:
			return [];
	}
}

async function projects(typed: string, words: readonly string[]): Promise<Candidate[]> {
	const { client } = await connect(words);
	const { data } = await client.projects.search({ limit: MAX_NAMES, ...(typed !== "" && { q: typed }) });
	return data.map(({ id, name }) => named(name, id, id));
}

async function webhooks(typed: string, words: readonly string[]): Promise<Candidate[]> {
	const project = await projectOf(words);
	const filter = { limit: MAX_NAMES, ...(typed !== "" && !typed.startsWith("webhook_") && { q: typed }) };
	const { data } = await project.batch.webhooks.list(filter);
	const names = new Set<string>();
	return data.map(({ id, key, name, endpoint }) => {
		// The second one of a name has to be named by its id.
		const word = key ?? (names.has(name) ? id : name);
		names.add(name);
		return named(word, id, `${key === undefined ? "" : `${name}, `}${endpoint}`);
	});
}

async function eventTypes(words: readonly string[]): Promise<Candidate[]> {
	const project = await projectOf(words);
	const { data } = await project.eventTypes.list({ limit: MAX_NAMES, archived: false });
	return data.map(({ name, description }) => ({ value: name, description: printable(description ?? "") }));
}

/** By its name if a shell takes that as one word, otherwise by its id. */
function named(name: string, id: string, description: string): Candidate {
	return WORD.test(name)
		? { value: name, description: printable(description) }
		: { value: id, description: printable(name) };
}

async function projectOf(words: readonly string[]) {
	const { client, project: given } = await connect(words);
	const project = await findProject(client, given);
	if (project === null) throw new Error("no project is chosen");
	return project;
}

/** The server that the words before name, or the one in use. It is asked once. */
async function connect(words: readonly string[]) {
	const { Client } = await import("@fanfare/sdk");
	const flags = Object.fromEntries(
		["profile", "url", "project"].flatMap((name) => valueOf(words, `--${name}`).map((value) => [name, value])),
	);
	const { url, key, project } = findConnection(flags);
	const timeoutMs = timeoutOf(TIMEOUT_VARIABLE, TIMEOUT_MS);
	// One limit for all calls together.
	const end = AbortSignal.timeout(timeoutMs);
	const bounded: FetchLike = (address, init) =>
		fetch(address, { ...init, signal: AbortSignal.any([init.signal, end]) });
	return { client: new Client(key, { endpoint: url, timeoutMs, maxRetries: 0, fetch: bounded }), project };
}

function valueOf(words: readonly string[], flag: string): string[] {
	const at = words.indexOf(flag);
	const value = at === -1 ? words.find((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1) : words[at + 1];
	return value === undefined ? [] : [value];
}
