// `fanfare status`: how the server is, which processes share its database, and warnings for its operator.
import type { StatusMember, WorkspaceStatus } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call } from "../../frame/call.ts";
import { leaf } from "../../frame/command.ts";
import { counted, size } from "../../text/numbers.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import type { Column } from "../../text/table.ts";
import { relativeTime, shortDuration } from "../../text/times.ts";
import { addressOf, databaseFields, hasNats, MESSAGES, withoutNats } from "./cluster-status.ts";

/** Adds the command to the program. */
export function addStatus(program: Command): void {
	leaf(
		program,
		{
			usage: "status",
			summary: "Show what the server does, and the processes of a cluster.",
			description:
				"For keys of the whole workspace. With --json, the response of the API; with --quiet, the codes of the warnings. `fanfare doctor` says " +
				"what to type where something is wrong.",
			inProject: false,
		},
		status,
	);
}

async function status({ client, output }: Call): Promise<void> {
	const found = await client.getStatus();
	if (output.mode === "json") return output.data(printableJson(found));
	if (output.mode === "quiet") {
		for (const { code } of found.warnings) await output.data(code);
		return;
	}
	await output.object(found, "", () => fieldsOf(found));
	const { members, warnings } = found;
	if (members === null) output.note("The processes can't be read at the moment.");
	else if (members.length > 0) {
		await output.data("");
		await output.list(members, { columns: COLUMNS, id: ({ id }) => id, limit: Infinity, empty: "" });
		await output.data("");
		if (members.some(hasNats)) {
			const known = members.filter(({ messages }) => messages !== null);
			await output.list(known, { columns: MESSAGES, id: ({ id }) => id, limit: Infinity, empty: "" });
		} else await output.data(withoutNats(members));
	}
	for (const { message } of warnings) await output.data(`\n${onStdout("yellow", "!")} ${printable(message)}`);
}

function fieldsOf({
	version,
	startDate,
	store,
	backlog,
	commits,
	database,
}: WorkspaceStatus): [string, string | null][] {
	const { pending, held, inFlightAttempts, oldestDueMs } = backlog;
	const { freeBytes, volumeBytes, fileBytes } = store;
	const free = freeBytes === null || volumeBytes === null ? null : `${size(freeBytes)} of ${size(volumeBytes)}`;
	return [
		["Version", printable(version)],
		["Started", relativeTime(startDate)],
		["Pending", pending === null ? "not known" : counted(pending, "delivery", "deliveries")],
		["Held", held === null ? "not known" : counted(held, "delivery", "deliveries")],
		["Attempts", `${inFlightAttempts} now`],
		["Oldest due", oldestDueMs === 0 ? "none" : `for ${shortDuration(oldestDueMs)}`],
		["Commits", commits.p50Ms === null ? null : `${shortDuration(Math.max(1, commits.p50Ms))} (median)`],
		["Store", fileBytes === null ? null : size(fileBytes)],
		["Free", free],
		...(database === null ? [] : databaseFields(database)),
	];
}

const STATES = { live: "green", leaving: "yellow", lost: "red" } as const;

const COLUMNS: readonly Column<StatusMember>[] = [
	{ title: "process", value: ({ name, self }) => `${name}${self ? " (this one)" : ""}`, flexible: true },
	{ title: "address", value: (member) => addressOf(member) || "–", optional: 3 },
	{
		title: "state",
		value: ({ state, seenDate, seenAgoMs }) =>
			state === "lost" ? `lost ${relativeTime(seenDate, seenDate + seenAgoMs)}` : state,
		style: (text, { state }) => onStdout(STATES[state], text),
	},
	{ title: "role", value: ({ role }) => role },
	{ title: "version", value: ({ version }) => version, optional: 2 },
	{ title: "up", value: ({ joinDate, seenDate }) => shortDuration(seenDate - joinDate), align: "right", optional: 1 },
	{ title: "shards", value: ({ shards }) => String(shards), align: "right" },
	{ title: "ready", value: ({ readyDeliveries }) => String(readyDeliveries), align: "right" },
	{ title: "attempts", value: ({ inFlightAttempts }) => String(inFlightAttempts), align: "right" },
	{ title: "lag", value: ({ lagMs }) => (lagMs === 0 ? "–" : shortDuration(lagMs)), align: "right" },
	{ title: "duties", value: ({ duties }) => duties.join(", ") || "–", flexible: true, optional: 4 },
];
