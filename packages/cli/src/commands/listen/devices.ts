// What this machine keeps of its listeners, in files that only their owner can read: the secret of each, so that it stays the same.
import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";

import { CommandError, EXIT } from "../../frame/failure.ts";
import { configFile, readPrivateFile, writeFirstPrivateFile, writePrivateFile } from "../../frame/private-file.ts";

/** What is kept of a listener. */
export interface Listener {
	readonly secret: string;
	/** When it was last connected, in milliseconds since the epoch; null if it never was. */
	readonly seenDate: number | null;
}

/** What tells listeners apart. */
export interface ListenerName {
	readonly url: string;
	readonly projectId: string;
	readonly customerId: string | null;
	readonly device: string;
}

const WHAT = "secrets";
const MAX_KEPT = 200;
const MAX_DEVICE_LENGTH = 128;

/** The name of this machine and its user: `ada@laptop`. */
export function defaultDevice(): string {
	const host = hostname().split(".")[0] ?? "";
	return `${userName()}@${host === "" ? "localhost" : host}`.slice(0, MAX_DEVICE_LENGTH);
}

/** The listener of this name, which is made if there is none. */
export async function keptListener(name: ListenerName): Promise<Listener> {
	const file = fileOf(name);
	const kept = read(file);
	if (kept !== null) return kept;
	const { utils } = await import("@fanfare/sdk");
	const made = { secret: utils.generateWebhookSecret(), seenDate: null };
	writeFirstPrivateFile(file, WHAT, textOf(name, made));
	removeOldest(file);
	// If two start at once, it is the other one's.
	return read(file) ?? made;
}

/** Notes when a listener was last connected. */
export function noteSeen(name: ListenerName, seenDate: number): void {
	const file = fileOf(name);
	const known = read(file);
	if (known !== null) writePrivateFile(file, WHAT, textOf(name, { ...known, seenDate }));
}

function read(file: string): Listener | null {
	const text = readPrivateFile(file, WHAT);
	if (text === null) return null;
	try {
		const { secret, seenDate } = JSON.parse(text) as Partial<Listener>;
		if (typeof secret === "string" && (seenDate === null || typeof seenDate === "number")) return { secret, seenDate };
	} catch {
		// Reported below.
	}
	throw new CommandError(
		`The file ${file} is damaged. Remove it: this listener then gets a new secret.`,
		EXIT.failed,
		`rm ${JSON.stringify(file)}`,
	);
}

function textOf(name: ListenerName, listener: Listener): string {
	return `${JSON.stringify({ ...name, ...listener }, null, 2)}\n`;
}

/** A file for each listener, so that several that start or end at once do not write over each other. */
function fileOf({ url, projectId, customerId, device }: ListenerName): string {
	const id = createHash("sha256")
		.update(JSON.stringify([url, projectId, customerId, device]))
		.digest("hex");
	return join(folder(), `${id.slice(0, 32)}.json`);
}

/** Forgets those that were not used for the longest time, if there are very many. Others may do so at the same time. */
function removeOldest(own: string): void {
	const files = readdirSync(folder())
		.filter((name) => name.endsWith(".json"))
		.map((name) => join(folder(), name));
	if (files.length <= MAX_KEPT) return;
	const dated = files.map((file) => ({ file, date: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }));
	const oldest = dated.filter(({ file }) => file !== own).toSorted((a, b) => a.date - b.date);
	for (const { file } of oldest.slice(0, files.length - MAX_KEPT)) rmSync(file, { force: true });
}

function folder(): string {
	return configFile("listeners");
}

function userName(): string {
	try {
		return userInfo().username;
	} catch {
		// A user without an entry, as in some containers.
		return process.env["USER"] ?? "me";
	}
}
