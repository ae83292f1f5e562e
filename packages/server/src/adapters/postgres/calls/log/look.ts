// One look of a walk at the next entries of some owners, in one statement. It goes through all of them once, since numbering them to
// stop at the last one that is needed would take longer than all else that is done with them.
import { firstUuidAt, uuidTime } from "../../codec/ids.ts";
import { number, text, textOrNull, type Row } from "../../codec/rows.ts";
import type { Session } from "../../connection/session.ts";
import { lowOf, type Part } from "../keyset.ts";
import type { Looked, Owned } from "./owned.ts";
import { entriesOf, LEAST, LOOK_COST, pageCost, rangeOf, Values, type EventRange, type Source } from "./source.ts";

/**
 * So many entries of a look may have events that lie far from them: these events are looked for by themselves, in the partitions of their days.
 * A replay makes such entries.
 */
const MOST_FAR = 20;

export interface Looking {
	readonly part: Part;
	/** So many entries that match are enough. */
	readonly missing: number;
	/** The time for each owner that is asked. */
	readonly times: ReadonlyMap<Owned, number>;
	/** So many entries of each are looked at, whatever its time, if all of them take no longer than `most`. */
	readonly least: number;
	readonly most: number;
	readonly page: PageState;
}

/** What is known in the course of a page. */
export interface PageState {
	/** Whether there were many entries whose events lie far from them, so that these are looked for in all partitions. */
	hasManyFarEvents: boolean;
	/** Its looks, the time that they have taken, and the entries that they have found. */
	looks: number;
	time: number;
	matching: number;
}

/** What a look has taken and found of all its owners. */
export interface Taken {
	readonly time: number;
	readonly matching: number;
}

/** Some owners of one source. */
interface Group {
	readonly source: Source;
	readonly owned: readonly Owned[];
	/** The entries that are looked at of each owner. */
	readonly most: readonly number[];
	/** The entries of each owner that are looked for in another table. */
	readonly looks: readonly number[];
}

/** Looks at the next entries of some owners. */
export async function look(session: Session, asked: readonly Owned[], looking: Looking): Promise<Taken> {
	const groups = [...new Set(asked.map(({ source }) => source))].map((source) =>
		groupOf(
			source,
			asked.filter((each) => each.source === source),
			looking,
		),
	);
	let found = await find(session, groups, looking);
	if (found === null) {
		looking.page.hasManyFarEvents = true;
		found = await find(session, groups, looking);
	}
	let [time, matching] = [0, 0];
	for (const [each, looked] of found ?? []) {
		each.add(looked);
		matching += looked.matching.length;
		time += looked.entries * pageCost(each.source) + looked.looks * LOOK_COST;
	}
	return { time, matching };
}

function groupOf(source: Source, owned: readonly Owned[], { times, least, most: mostTime }: Looking): Group {
	const most: number[] = [];
	const looks: number[] = [];
	for (const each of owned) {
		const time = times.get(each) ?? 0;
		const entriesAt = (cost: number) =>
			Math.max(LEAST, Math.min(least, Math.ceil(mostTime / times.size / cost)), Math.ceil(time / cost));
		most.push(entriesAt(pageCost(source, each.candidateShare)));
		// Of entries after the last one that may be looked for, nothing is known.
		looks.push(entriesAt(pageCost(source, 1)));
	}
	return { source, owned, most, looks };
}

/** Null if there are too many entries whose events lie far from them, and these were not looked for. */
async function find(
	session: Session,
	groups: readonly Group[],
	{ part, missing, page }: Looking,
): Promise<ReadonlyMap<Owned, Looked> | null> {
	const values = new Values();
	const within = page.hasManyFarEvents ? null : eventsOf(part);
	// Each of those that lie far may turn out not to match.
	const [range, limit] = [rangeOf(part, values), values.add(missing + (within === null ? 0 : MOST_FAR))];
	const parts = groups.map(({ source, most, looks, owned }, index) => {
		const reached = owned.map((each) => each.reached);
		const reading = { range, order: part.order, reached, most, ...(source.look !== undefined && { looks }) };
		const { owners, from } = entriesOf(ofGroup(source, owned), reading, values);
		const key = `entry.${source.key}`;
		const matches = source.matches(values, range).join(" AND ") || "TRUE";
		const { look: sql } = source;
		const columns = sql === undefined ? matchingColumns(limit) : CANDIDATE_COLUMNS;
		const found =
			sql === undefined ? "" : `CROSS JOIN LATERAL (${lookingFor(sql.hasRow(values, within), limit)}) found`;
		return `(
			SELECT ${index} AS source, given.owner, looked.* FROM ${owners} CROSS JOIN LATERAL (
				SELECT ${columns}, entries, first, last FROM (
					SELECT count(*) AS entries, (array_agg(id))[1] AS first, (array_agg(id))[given.most] AS last,
						array_agg(id) FILTER (WHERE matches) AS ids ${sql === undefined ? "" : ", array_agg(event_id) FILTER (WHERE matches) AS events"}
					FROM (
						SELECT ${key} AS id, ${sql === undefined ? "" : "entry.event_id,"} (${matches}) AS matches
						FROM ${from}
					) entry
				) entries ${found}
			) looked
		)`;
	});
	const rows = await session.query(parts.join(" UNION ALL "), values.list);
	const far = rows.flatMap((row) => uuidsIn(row["far"])).filter((event) => event !== null);
	if (far.length > MOST_FAR) return null;
	const having = await eventsHaving(session, groups, far);
	const found = new Map<Owned, Looked>();
	for (const row of rows) {
		const group = groups[number(row["source"])];
		// Ordinalities begin at 1.
		const each = group?.owned[number(row["owner"]) - 1];
		if (group === undefined || each === undefined)
			throw new Error("a look has found entries of an owner who was not asked");
		const events = uuidsIn(row["far"]);
		const matching = uuidsIn(row["matching"]).filter((id, index): id is string => {
			const event = events[index] ?? null;
			return id !== null && (event === null || having.has(event));
		});
		found.set(each, toLooked(row, matching.slice(0, missing), missing));
	}
	return found;
}

/** Those of some events that have what entries are looked at for. All sources of a list look for the same. */
async function eventsHaving(
	session: Session,
	groups: readonly Group[],
	events: readonly string[],
): Promise<ReadonlySet<string>> {
	const look = groups.find(({ source }) => source.look !== undefined)?.source.look;
	if (look === undefined || events.length === 0) return new Set();
	const values = new Values();
	const rows = await session.query(look.among(values, [...new Set(events)]), values.list);
	return new Set(rows.map((row) => text(row["event_id"])));
}

function matchingColumns(limit: string): string {
	return `(ids)[1:${limit}::integer] AS matching, NULL::uuid[] AS far, 0 AS candidates, 0 AS looks, NULL::uuid AS last_candidate`;
}

const CANDIDATE_COLUMNS = `
	found.matching, found.far, coalesce(cardinality(ids), 0) AS candidates, least(coalesce(cardinality(ids), 0), given.looks) AS looks,
	CASE WHEN cardinality(ids) > given.looks THEN (ids)[given.looks] END AS last_candidate
`;

/**
 * SQL that looks for the entries that match in another table, up to `given.looks` of them, until enough have a row there. Of those whose events
 * lie far from them, that is not known: `far` has their events. Without OFFSET 0, PostgreSQL would look twice for each.
 */
function lookingFor(sql: string, limit: string): string {
	return `
		SELECT array_agg(id) AS matching, array_agg(CASE WHEN matches IS NULL THEN event_id END) AS far FROM (
			SELECT id, event_id, matches FROM (
				SELECT entry.id, entry.event_id, ${sql} AS matches
				FROM unnest((ids)[1:given.looks], (events)[1:given.looks]) entry(id, event_id) OFFSET 0
			) entry WHERE matches IS NOT FALSE LIMIT ${limit}::integer
		) entry
	`;
}

function toLooked(row: Row, matching: readonly string[], missing: number): Looked {
	const last = textOrNull(row["last"] ?? null);
	const lastCandidate = textOrNull(row["last_candidate"] ?? null);
	return {
		matching,
		entries: number(row["entries"]),
		candidates: number(row["candidates"]),
		looks: number(row["looks"]),
		first: textOrNull(row["first"] ?? null),
		stoppedAt: matching.length === missing ? (matching.at(-1) ?? null) : (lastCandidate ?? last),
	};
}

function uuidsIn(array: unknown): readonly (string | null)[] {
	return Array.isArray(array) ? (array as readonly (string | null)[]) : [];
}

/**
 * The events that the entries of a part were made with: an id is never before that of its event, and has the same time. Null: they may be
 * anywhere.
 */
function eventsOf(part: Part): EventRange | null {
	const start = uuidTime(lowOf(part));
	return start === 0 && part.below === null ? null : { low: firstUuidAt(start), high: part.below };
}

/** The source with some of its owners. */
function ofGroup(source: Source, owned: readonly Owned[]): Source {
	const { owners, statuses } = source;
	return {
		...source,
		owners: owned.map(({ index }) => owners[index] ?? ""),
		...(statuses !== undefined && { statuses: owned.map(({ index }) => statuses[index] ?? 0) }),
	};
}
