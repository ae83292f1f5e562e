// The processes that share the server's database: what each of them does, and which were lost.
import type { StatusMember, WorkspaceStatus } from "@fanfare/sdk";

import { Table, type Column } from "../../parts/layout/table.tsx";
import { count, counted, duration } from "../../parts/text/format.ts";
import { State } from "../../parts/text/state.tsx";
import { hostAndPort } from "./host-and-port.ts";

/** A delivery that is due for longer has waited for something. */
const LATE_MS = 10_000;

/** Nothing for a server that is alone with its data. */
export function Members({ members }: Pick<WorkspaceStatus, "members">) {
	if (members === null) return <p className="dim">The processes of the server can't be read at the moment.</p>;
	if (members.length === 0) return null;
	const lost = members.filter(({ state }) => state === "lost").length;
	return (
		<section className="stack tight" aria-label="Processes">
			<h2 className="card-title">Processes</h2>
			<Table
				label="Processes"
				columns={COLUMNS}
				rows={members}
				keyOf={({ id }) => id}
				foot={
					lost > 0
						? `${counted(lost, "process")} lost: others do the work. It disappears from here after ten minutes.`
						: undefined
				}
			/>
		</section>
	);
}

const STATES = { live: ["good", "✓"], leaving: ["warn", "↗"], lost: ["bad", "✗"] } as const;

function MemberState({ member: { state, self, seenAgoMs } }: { readonly member: StatusMember }) {
	const [tone, glyph] = STATES[state];
	return (
		<>
			<State tone={tone} glyph={glyph} word={state} />
			{state === "lost" && <div className="dim">seen {duration(seenAgoMs)} ago</div>}
			{self && <div className="dim">answers you</div>}
		</>
	);
}

const ROLES = { all: "all", api: "api: delivers nothing", worker: "worker: only delivers" } as const;

const COLUMNS: readonly Column<StatusMember>[] = [
	{
		name: "Process",
		width: "minmax(10rem, 3fr)",
		phone: "whole",
		cell: (member) => (
			<div className="cut" title={`${member.name} ${hostAndPort(member)}`}>
				<strong>{member.name}</strong>
				<div className="dim cut num">{hostAndPort(member)}</div>
			</div>
		),
	},
	{ name: "State", width: "minmax(7rem, 8rem)", cell: (member) => <MemberState member={member} /> },
	{
		name: "Role",
		width: "minmax(4.5rem, 1fr)",
		cell: ({ role, version }) => (
			<div title={ROLES[role]}>
				{role}
				<div className="dim num">{version}</div>
			</div>
		),
	},
	{
		name: "Up",
		width: "4rem",
		isNumber: true,
		cell: ({ joinDate, seenDate }) => (
			<>
				<span className="only-phone dim">up </span>
				{duration(seenDate - joinDate)}
			</>
		),
	},
	{
		name: "Shards",
		width: "4rem",
		isNumber: true,
		cell: ({ shards }) => (
			<>
				{count(shards)}
				<span className="only-phone dim"> shards</span>
			</>
		),
	},
	{
		name: "Attempts",
		width: "5rem",
		isNumber: true,
		cell: ({ inFlightAttempts }) => (
			<>
				{count(inFlightAttempts)}
				<span className="only-phone dim"> attempts</span>
			</>
		),
	},
	{
		name: "Oldest due",
		width: "6rem",
		isNumber: true,
		cell: ({ lagMs }) => (
			<span className={lagMs > LATE_MS ? "text-bad" : undefined}>
				{lagMs === 0 ? "none" : duration(lagMs)}
				<span className="only-phone dim"> due</span>
			</span>
		),
	},
	{
		name: "Duties",
		isRoomy: true,
		width: "minmax(8rem, 2fr)",
		phone: "whole",
		cell: ({ duties }) =>
			duties.length === 0 ? (
				<span className="dim none">none</span>
			) : (
				<span className="dim">
					<span className="only-phone">duties: </span>
					{duties.join(", ")}
				</span>
			),
	},
];
