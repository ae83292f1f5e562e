// What `fanfare status` shows of a cluster beside its processes: the database, and the messages between them.
import type { StatusDatabase, StatusMember, StatusMessages, StatusStandby } from "@fanfare/sdk";

import { size } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import type { Column } from "../../text/table.ts";
import { shortDuration } from "../../text/times.ts";

const WAITS_FOR = { standby: "a standby", disk: "its own disk only" } as const;

/** The database in lines. What Fanfare's role may not see is not known. */
export function databaseFields(database: StatusDatabase): [string, string][] {
	const { reachable, version, commitsWaitFor, standbys, connections } = database;
	if (!reachable) return [["Database", "does not answer"]];
	const where = addressOf(database);
	return [
		["Database", printable(`PostgreSQL ${version ?? ""}${where === "" ? "" : ` at ${where}`}`)],
		["Commits wait for", commitsWaitFor === null ? "not known" : WAITS_FOR[commitsWaitFor]],
		["Standbys", standbys === null ? "not known" : printable(standbys.map(standbyText).join("; ")) || "none"],
		["Connections", connections === null ? "not known" : `${connections.used} of ${connections.allowed}`],
	];
}

function standbyText({ name, state, sync, lagMs, lagBytes }: StatusStandby): string {
	const behind = lagMs === null ? null : `${shortDuration(Math.max(1, lagMs))} behind`;
	const bytes = lagBytes === null ? null : `${size(lagBytes)} to apply`;
	const known = [sync, state, behind, bytes].filter((part) => part !== null);
	return `${name} (${known.join(", ") || "more is not known"})`;
}

/** Whether NATS is to carry its messages. */
export function hasNats({ messages }: StatusMember): boolean {
	return natsOf(messages) !== null;
}

/** How processes find each other's deliveries if none of them has NATS. */
export function withoutNats(members: readonly StatusMember[]): string {
	const polls = members.flatMap(({ messages }) => (messages === null ? [] : [messages.pollMs]));
	if (polls.length === 0) return "How the processes find each other's deliveries is not known.";
	return `Without NATS: each process looks for the deliveries of the others every ${Math.max(...polls)} ms.`;
}

function natsOf(messages: StatusMessages | null): StatusMessages["nats"] {
	return messages?.nats ?? null;
}

type Nats = NonNullable<StatusMessages["nats"]>;
const column = (title: string, value: (nats: Nats) => number | string, optional?: number): Column<StatusMember> => ({
	title,
	value({ messages }) {
		const nats = natsOf(messages);
		return nats === null ? "–" : String(value(nats));
	},
	align: "right",
	...(optional !== undefined && { optional }),
});

/** For members that have said it. Each number counts from the start of the process. */
export const MESSAGES: readonly Column<StatusMember>[] = [
	{ title: "process", value: ({ name }) => name, flexible: true },
	{
		title: "NATS",
		value({ messages }) {
			const nats = natsOf(messages);
			if (nats?.up === true) return `up${nats.server === null ? "" : `, ${nats.server}`}`;
			return `${nats === null ? "off" : "away"}, polls every ${messages?.pollMs ?? "?"} ms`;
		},
		style: (text, { messages }) => onStdout(natsOf(messages)?.up === true ? "green" : "yellow", text),
		flexible: true,
	},
	column("deliveries out/in", ({ sent, received }) => `${sent.deliveries}/${received.deliveries}`),
	column("hints", ({ sent, received }) => `${sent.hints}/${received.hints}`, 2),
	column("signals", ({ sent, received }) => `${sent.looks + sent.answers}/${received.looks + received.answers}`, 3),
	column("late", ({ late }) => late, 1),
	column("refused", ({ refused }) => refused, 1),
	column("unsent", ({ unsent }) => unsent, 1),
	column("missed", ({ missed }) => missed, 1),
];

/** Host and port, as far as they are known; empty if they are not. */
export function addressOf({
	address,
	port,
}: {
	readonly address: string | null;
	readonly port: number | null;
}): string {
	if (address === null) return port === null ? "" : `port ${port}`;
	const host = address.includes(":") ? `[${address}]` : address;
	return port === null ? host : `${host}:${port}`;
}
