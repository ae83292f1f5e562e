// `fanfare whoami`: the server, the key and what it allows.
import type { Command } from "commander";

import type { Call } from "../../frame/call.ts";
import { leaf } from "../../frame/command.ts";
import { findProject } from "../../frame/connection.ts";
import { printable } from "../../text/printable.ts";
import { fullTime } from "../../text/times.ts";

/** Adds the command to the program. */
export function addWhoami(program: Command): void {
	leaf(program, { usage: "whoami", summary: "Show the server, the key and what it allows.", inProject: false }, whoami);
}

async function whoami(call: Call): Promise<void> {
	const { url, profile } = call.connection;
	call.output.note(`Asking ${url} (${profile === null ? "key of FANFARE_KEY" : `profile ${profile.name}`})`);
	const caller = await call.client.getCaller();
	const name = profile?.name ?? null;
	const project = caller.projectId ?? (await projectInUse(call));
	await call.output.object({ profile: name, url, project, caller }, caller.id ?? "", () => [
		["Profile", name ?? "none: the key is from FANFARE_KEY"],
		["Server", url],
		["Key", caller.name === null ? null : printable(`${caller.name} (${caller.id ?? ""})`)],
		["Customer", caller.customerId],
		["Allows", allowed(caller.scope, caller.capabilities)],
		["In", caller.projectId ?? "the whole workspace"],
		["Project", project ?? "none: name one with --project, or fanfare use --project"],
		["Expires", caller.expireDate === null ? null : fullTime(caller.expireDate)],
		["Production", profile?.isProduction === true ? "yes: commands ask before changes" : null],
	]);
}

/** As it was named, or the only one that there is, which other commands then use. */
async function projectInUse({ client, connection }: Call): Promise<string | null> {
	return connection.project ?? (await findProject(client, null))?.id ?? null;
}

function allowed(scope: "admin" | "write" | "read" | null, capabilities: readonly string[] | null): string {
	if (scope !== null)
		return { admin: "everything", write: "reading, sending and changing webhooks", read: "reading" }[scope];
	return ["reading", ...(capabilities ?? [])].join(", ");
}
