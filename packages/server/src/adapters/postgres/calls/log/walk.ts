// Walks along entries of indexes, in the order of ids, for those that match. A walk looks at a bounded number of entries, in one or a few
// statements: if few match, it ends early and says where.
import { FIRST_UUID, firstUuidAt, uuidTime } from "../../codec/ids.ts";
import { number, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";
import { lowOf, type Order, type Part, type Scanned } from "../keyset.ts";
import { look, type PageState } from "./look.ts";
import { Owned } from "./owned.ts";
import { pageCost, type Source } from "./source.ts";

/** What a page may look at: this many entries whose own row says whether they match. Some 10 ms. */
export const BUDGET = 36_000;
/**
 * The most entries of one statement, but for `LEAST` of each owner. If their rows are not in memory, each may have to be read from the disk, some 3,000 a second from one in a
 * cloud, and a statement has a time limit of 10 s.
 */
const STATEMENT_ENTRIES = 12_000;
/** A look behind the cursor at a tenth: if it ends before it has found a row, there may be one. */
const LOOK_SHARE = 0.1;
/** The first look of a page may take this share of its time: most pages need no other one. */
const FIRST_SHARE = 1 / 36;
/** It looks at as many entries of each owner as are missing, if they are at most so many. */
const FEW_OWNERS = 5;
/** With more owners, it may take this share, since each of them has to get on. */
const FIRST_SHARE_OF_MANY = 1 / 10;
/** The second look goes so much further than what is missing needs by what was found so far, and each later one so many times as far again. */
const SURPLUS = 1.5;
const MORE_SURPLUS = 4;
/** A page goes on so often from the place up to which all owners were looked at, with what is left of its time. */
const MOST_ROUNDS = 5;
/** The same of a look behind the cursor. */
const LOOK_ROUNDS = 2;
/** With a smaller share of it left, it does not. */
const LEAST_LEFT = 0.1;
/** In another stretch, an owner who had few entries so far gets this share of an equal one at least. */
const LEAST_SHARE = 0.1;
/**
 * To plan a statement takes PostgreSQL longer than most pages need for their rows, the longer the more days it may read: each has partitions
 * of its own. So the days next to the place where a page begins are looked at first, then more, then all.
 */
const STRETCHES_MS = [2, 8, 24].map((days) => days * 86_400_000);
/** Each stretch asks for all owners, so those of a customer with more webhooks are not cut. */
const MOST_OWNERS = 20;

const SELECT_NOW = statement("SELECT cluster_now() AS now");

/** The time of the database. Where the newest entries are is told by it, nothing else. */
export async function readNow(session: Session): Promise<number> {
	const [row] = await session.run(SELECT_NOW);
	return number(row?.["now"] ?? null);
}

interface Walk {
	readonly part: Part;
	readonly budget: number;
	/** `readNow` */
	readonly now: number;
}

/** Finds the ids of up to `part.limit` entries that match, in order, in one stretch of time after the other. */
export async function walk(
	session: Session,
	sources: readonly Source[],
	{ part, budget, now }: Walk,
): Promise<Scanned> {
	const rows: Row[] = [];
	if (sources.every(({ owners }) => owners.length === 0)) return { rows, stoppedAt: null };
	let left = part.isLookBehind ? budget * LOOK_SHARE : budget;
	const page: PageState = { hasManyFarEvents: false, looks: 0, time: 0, matching: 0 };
	const owned = sources.flatMap((source) => source.owners.map((_, index) => new Owned(source, index, part.order)));
	const stretches = isCut(sources) ? stretchesOf(part, now) : [part];
	for (const [index, stretch] of stretches.entries()) {
		if (index > 0) for (const each of owned) each.nextStretch();
		const rest = { ...stretch, limit: part.limit - rows.length };
		const found = await walkStretch(session, owned, { part: rest, whole: left, page });
		rows.push(...found.rows);
		left = found.left;
		if (rows.length === part.limit || found.stoppedAt !== null) return { rows, stoppedAt: found.stoppedAt };
		const isLast = index === stretches.length - 1;
		// No id is the first one of its millisecond, so there is none at the edge.
		if (left <= 0 && !isLast) return { rows, stoppedAt: part.order === "DESC" ? stretch.from : stretch.below };
	}
	return { rows, stoppedAt: null };
}

/** Whether a walk goes on in stretches. The deliveries of an event lie next to it. */
function isCut(sources: readonly Source[]): boolean {
	return sources.every(({ owner, owners }) => owner !== "event_id" && new Set(owners).size <= MOST_OWNERS);
}

/**
 * The stretch in which a part begins: the part itself if there is no other one. Null if nobody knows where its first entries are.
 *
 * @param now `readNow`
 */
export function firstStretch(part: Part, now: number): Part | null {
	return isFromOldest(part) ? null : (stretchesOf(part, now)[0] ?? part);
}

function isFromOldest(part: Part): boolean {
	return part.order === "ASC" && lowOf(part) === FIRST_UUID;
}

/** Cuts a part into stretches that follow each other in its order. What is ahead of the clock is in the one next to it. */
function stretchesOf(part: Part, now: number): Part[] {
	const stretches: Part[] = [];
	let rest = part;
	const isDown = part.order === "DESC";
	const low = lowOf(part);
	const start = isDown ? Math.min(now, part.below === null ? now : uuidTime(part.below)) : uuidTime(low);
	if (isFromOldest(part)) return [part];
	for (const lengthMs of STRETCHES_MS) {
		if (!isDown && start + lengthMs >= now) break;
		const edge = firstUuidAt(isDown ? start - lengthMs : start + lengthMs);
		if (isDown ? edge <= low : rest.below !== null && edge >= rest.below) break;
		stretches.push(isDown ? { ...rest, above: null, from: edge } : { ...rest, below: edge });
		rest = isDown ? { ...rest, below: edge } : { ...rest, above: null, from: edge };
	}
	return [...stretches, rest];
}

interface Stretch {
	readonly part: Part;
	/** The time for it. */
	readonly whole: number;
	readonly page: PageState;
}

/**
 * Walks along one stretch. All owners are looked at equally first, and after that those who may hold up the others. No entry is looked at
 * twice: what was found beyond the place up to which all were looked at waits until it is reached. Returns what is left of the time, too.
 */
async function walkStretch(
	session: Session,
	owned: readonly Owned[],
	{ part, whole, page }: Stretch,
): Promise<Scanned & { readonly left: number }> {
	let ids: string[] = [];
	const rounds = part.isLookBehind ? LOOK_ROUNDS : MOST_ROUNDS;
	let [left, asked] = [whole, owned];
	for (let round = 1; ; round++) {
		const missing = part.limit - ids.length;
		const isFirst = page.time === 0;
		const areFew = asked.length <= FEW_OWNERS;
		const first = whole * (areFew ? FIRST_SHARE : FIRST_SHARE_OF_MANY);
		const cost = asked.reduce(
			(least, { source, candidateShare }) => Math.min(least, pageCost(source, candidateShare)),
			Number.POSITIVE_INFINITY,
		);
		const most = Math.min(left, STATEMENT_ENTRIES * cost);
		const time = round === rounds ? most : Math.min(most, isFirst ? first : expectedTime(page, missing, whole));
		const times = round === 1 ? expectedTimes(asked, time) : equalTimes(asked, time);
		const least = isFirst && areFew ? missing : 0;
		const taken = await look(session, asked, { part, missing, times, least, most, page });
		left -= taken.time;
		page.looks += 1;
		page.time += taken.time;
		page.matching += taken.matching;
		const edge = nearest(owned, part.order);
		const found = owned.flatMap((each) => each.take(edge)).sort();
		ids = ids.concat(part.order === "ASC" ? found : found.toReversed());
		if (ids.length >= part.limit || edge === null) return { rows: rowsOf(ids, part.limit), stoppedAt: null, left };
		if (round === rounds || left < whole * LEAST_LEFT) return { rows: rowsOf(ids, part.limit), stoppedAt: edge, left };
		asked = owned.filter((each) => each.isAt(edge));
	}
}

function equalTimes(asked: readonly Owned[], time: number): Map<Owned, number> {
	return new Map(asked.map((each) => [each, time / asked.length]));
}

/** Shares of a time by the entries that each is expected to have, so that one statement is enough; equal ones if nothing is known. */
function expectedTimes(asked: readonly Owned[], time: number): Map<Owned, number> {
	const times = new Map<Owned, number>();
	let sum = 0;
	for (const each of asked) {
		const { source, expected, candidateShare } = each;
		if (expected === null) return equalTimes(asked, time);
		const own = Math.max(expected * pageCost(source, candidateShare), (LEAST_SHARE * time) / asked.length);
		times.set(each, own);
		sum += own;
	}
	for (const [each, own] of times) times.set(each, (own / sum) * time);
	return times;
}

/** What another look may take so that it probably finds what is missing, by what was found so far. */
function expectedTime({ time, matching, looks }: PageState, missing: number, whole: number): number {
	const surplus = SURPLUS * MORE_SURPLUS ** (looks - 1);
	return matching === 0 ? whole : Math.max(whole * FIRST_SHARE, (surplus * missing * time) / matching);
}

function rowsOf(ids: readonly string[], limit: number): Row[] {
	return ids.slice(0, limit).map((id) => ({ id }));
}

/** The place up to which all owners were looked at; null if all have ended. */
function nearest(owned: readonly Owned[], order: Order): string | null {
	let place: string | null = null;
	for (const { end } of owned) {
		if (end !== null && (place === null || (order === "ASC" ? end < place : end > place))) place = end;
	}
	return place;
}
