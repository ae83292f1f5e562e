// How the server's processes tell each other of deliveries and changes: by NATS, with what it has carried, or by looking into the database.
import type { StatusMember, StatusMessages, WorkspaceStatus } from "@fanfare/sdk";

import { Table, type Column } from "../../parts/layout/table.tsx";
import { count, duration } from "../../parts/text/format.ts";
import { State } from "../../parts/text/state.tsx";

/** Nothing for a server that is alone with its data, or whose processes can't be read. */
export function Messages({ members }: Pick<WorkspaceStatus, "members">) {
	const rows = (members ?? []).flatMap(toRow);
	if (rows.length === 0) return null;
	return (
		<section className="stack tight" aria-label="Messages">
			<h2 className="card-title">Messages between processes</h2>
			{rows.every(({ nats }) => nats === null) ? (
				<p className="dim">
					Without NATS: each process looks for the deliveries of the others every{" "}
					{duration(Math.max(...rows.map(({ pollMs }) => pollMs)))}.
				</p>
			) : (
				<Table
					label="Messages between processes"
					columns={COLUMNS}
					rows={rows}
					keyOf={({ id }) => id}
					foot="Counted since each process has started. Nothing is lost with a message: the database has everything."
				/>
			)}
		</section>
	);
}

type Nats = NonNullable<StatusMessages["nats"]>;
type Row = Pick<StatusMember, "id" | "name"> & StatusMessages;

/** Those that are lost, and those of earlier versions, say nothing of it. */
function toRow({ id, name, messages }: StatusMember): Row[] {
	return messages === null ? [] : [{ id, name, ...messages }];
}

function NatsState({ row: { nats, pollMs } }: { readonly row: Row }) {
	const polls = <div className="dim">polls every {duration(pollMs)}</div>;
	if (nats === null) {
		return (
			<>
				<State tone="warn" glyph="–" word="off" />
				{polls}
			</>
		);
	}
	if (!nats.up) {
		return (
			<>
				<State tone="bad" glyph="✗" word="away" />
				{polls}
			</>
		);
	}
	return (
		<>
			<State tone="good" glyph="✓" word="up" />
			{nats.server !== null && (
				<div className="dim cut num" title={nats.server}>
					{nats.server}
				</div>
			)}
		</>
	);
}

/** A column of what was sent (out), and below it of what was received (in). */
function pair(name: string, of: (counts: Nats["sent"]) => number, isRoomy = false): Column<Row> {
	return {
		name,
		width: "minmax(6rem, 1fr)",
		isNumber: true,
		isRoomy,
		cell({ nats }) {
			if (nats === null) return <span className="dim none">–</span>;
			return (
				<>
					<span className="only-phone dim">{name.toLowerCase()}: </span>
					{count(of(nats.sent))} out
					<div>{count(of(nats.received))} in</div>
				</>
			);
		},
	};
}

/** The troubles that there were, in words. */
function troublesOf({ late, refused, unsent, missed }: Nats): string {
	const all = [
		[late, "late"],
		[refused, "refused"],
		[unsent, "not sent"],
		[missed, "missed"],
	] as const;
	const some = all.filter(([number]) => number > 0);
	return some.map(([number, word]) => `${count(number)} ${word}`).join(", ");
}

const COLUMNS: readonly Column<Row>[] = [
	{
		name: "Process",
		width: "minmax(8rem, 2fr)",
		phone: "whole",
		cell: ({ name }) => (
			<div className="cut" title={name}>
				<strong>{name}</strong>
			</div>
		),
	},
	{ name: "NATS", width: "minmax(9rem, 2fr)", phone: "whole", cell: (row) => <NatsState row={row} /> },
	pair("Deliveries", ({ deliveries }) => deliveries),
	pair("Hints", ({ hints }) => hints),
	pair("Signals", ({ looks, answers }) => looks + answers),
	pair("Beats", ({ beats }) => beats, true),
	{
		name: "Dropped or lost",
		width: "minmax(9rem, 2fr)",
		phone: "whole",
		cell({ nats }) {
			if (nats === null) return <span className="dim none">–</span>;
			const troubles = troublesOf(nats);
			return (
				<>
					<span className="only-phone dim">dropped or lost: </span>
					<span className={troubles === "" ? "dim" : undefined}>{troubles === "" ? "none" : troubles}</span>
				</>
			);
		},
	},
];
