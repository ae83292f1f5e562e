// The database that the server's processes share: what its commits wait for, its standbys, its connections, and how long commits take.
import type { StatusDatabase, StatusStandby, WorkspaceStatus } from "@fanfare/sdk";

import { Numbers, type Summary } from "../../parts/chart/numbers.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { Table, type Column } from "../../parts/layout/table.tsx";
import { count, duration, share } from "../../parts/text/format.ts";
import { State } from "../../parts/text/state.tsx";
import { byteCount } from "../settings/byte-count.ts";
import { hostAndPort } from "./host-and-port.ts";

/** Above this share of the connections, somebody should look. */
const NEAR = 0.85;
/** A standby that is behind by more takes long to take over. */
const BEHIND_MS = 10_000;

interface Props {
	readonly status: Pick<WorkspaceStatus, "database" | "store" | "commits">;
}

/** Nothing for a server with a data directory. */
export function Database({ status: { database, store, commits } }: Props) {
	if (database === null) return null;
	if (!database.reachable) {
		return (
			<section className="stack tight" aria-label="Database">
				<h2 className="card-title">Database</h2>
				<div className="note bad">
					<Icon name="alert" />
					<p>The database does not answer. Sends are refused until it does, and nothing that was accepted is lost.</p>
				</div>
			</section>
		);
	}
	return (
		<section className="stack tight" aria-label="Database">
			<h2 className="card-title">Database</h2>
			<div className="card card-pad">
				<Numbers
					items={[serverOf(database), waitOf(database), connectionsOf(database), sizeOf(store), commitTimes(commits)]}
				/>
			</div>
			<Standbys standbys={database.standbys} />
		</section>
	);
}

function serverOf(database: StatusDatabase): Summary {
	const where = hostAndPort(database);
	return {
		name: "Server",
		value: database.version === null ? "unknown" : `PostgreSQL ${database.version}`,
		detail: where === "" ? "on this machine" : where,
	};
}

function waitOf({ commitsWaitFor, standbys }: StatusDatabase): Summary {
	const name = "Commits wait for";
	if (commitsWaitFor === null) return { name, value: "unknown" };
	if (commitsWaitFor === "disk") return { name, value: "its disk", tone: "warn", detail: "lost with that disk" };
	if (standbys?.length === 0) return { name, value: "a standby", tone: "bad", detail: "and none follows" };
	return { name, value: "a standby", tone: "good", detail: "safe on two machines" };
}

function connectionsOf({ connections }: StatusDatabase): Summary {
	const name = "Connections";
	if (connections === null) return { name, value: "unknown" };
	const { used, allowed } = connections;
	return {
		name,
		value: count(used),
		...(used > NEAR * allowed && { tone: "warn" }),
		detail: `${share(used, allowed)} of ${count(allowed)}`,
	};
}

function sizeOf({ fileBytes }: WorkspaceStatus["store"]): Summary {
	return { name: "Size", value: fileBytes === null ? "unknown" : byteCount(fileBytes), detail: "tables and indexes" };
}

/** How long it takes to write to the disk, and to the standby if commits wait for one. */
export function commitTimes({ p50Ms, p99Ms }: WorkspaceStatus["commits"]): Summary {
	return {
		name: "Commits",
		value: p50Ms === null ? "none" : duration(p50Ms),
		detail: p99Ms === null ? "in five minutes" : `p99 ${duration(p99Ms)}`,
	};
}

function Standbys({ standbys }: Pick<StatusDatabase, "standbys">) {
	if (standbys === null) return <p className="dim">Fanfare's role may not see which standbys follow the database.</p>;
	if (standbys.length === 0) return <p className="dim">No standby follows the database.</p>;
	const isHidden = standbys.some(({ sync }) => sync === null);
	return (
		<Table
			label="Standbys"
			columns={COLUMNS}
			rows={standbys.map((standby, index) => ({ ...standby, index }))}
			keyOf={({ name, index }) => `${index} ${name}`}
			foot={isHidden ? "Fanfare's role sees no more of them unless it is granted pg_read_all_stats." : undefined}
		/>
	);
}

const SYNCS = {
	sync: ["good", "✓", "synchronous"],
	quorum: ["good", "✓", "synchronous, one of several"],
	potential: ["warn", "↗", "next in line"],
	async: ["warn", "–", "not synchronous"],
} as const;

const COLUMNS: readonly Column<StatusStandby & { readonly index: number }>[] = [
	{
		name: "Standby",
		width: "minmax(9rem, 2fr)",
		phone: "whole",
		cell: ({ name }) => (
			<div className="cut" title={name}>
				<strong>{name === "" ? "without a name" : name}</strong>
			</div>
		),
	},
	{
		name: "Commits",
		width: "minmax(10rem, 2fr)",
		cell({ sync }) {
			if (sync === null) return <span className="dim">unknown</span>;
			const [tone, glyph, word] = SYNCS[sync];
			return <State tone={tone} glyph={glyph} word={word} />;
		},
	},
	{
		name: "State",
		width: "minmax(6rem, 1fr)",
		cell: ({ state }) => (state === null ? <span className="dim">unknown</span> : state),
	},
	{
		name: "Behind by",
		width: "minmax(6rem, 1fr)",
		isNumber: true,
		cell({ lagMs, lagBytes }) {
			if (lagBytes === null) return <span className="dim">unknown</span>;
			return (
				<>
					<span className={lagMs !== null && lagMs > BEHIND_MS ? "text-bad" : undefined}>
						{lagMs === null ? "" : duration(lagMs)}
					</span>
					<div className="dim">
						{byteCount(lagBytes)}
						<span className="only-phone"> behind</span>
					</div>
				</>
			);
		},
	},
];
