// The rows of relays between members: who has which client, and the requests that are under way. One function for each statement.
import type { RelayedEnd, RelayedKey, RelayedOutcome, RelayedRequest } from "../../../../ports/relay-wire.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { idOf, uuidOf, uuidsOf } from "../../codec/ids.ts";
import { boolean, bytes, json, namesByCode, number, text, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { webhookId } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";
import { isExpired } from "../../members/member-rows.ts";

const END_CODES: Readonly<Record<RelayedEnd, number>> = { answer: 0, silence: 1, other: 2 };
const ENDS_BY_CODE = namesByCode(END_CODES);

// Who has clients

export interface Held {
	readonly webhookId: string;
	readonly epoch: number;
}

const HOLD = statement(`
	INSERT INTO relay_holders (webhook_id, member, epoch) SELECT id, $1, epoch FROM unnest($2::uuid[], $3::bigint[]) AS held (id, epoch)
	ON CONFLICT (webhook_id, member) DO UPDATE SET epoch = excluded.epoch
`);
const LEAVE = statement("DELETE FROM relay_holders WHERE member = $1 AND webhook_id = ANY($2::uuid[])");

/** Notes which clients a member has, and of which relays it has none. Fails with `store_conflict` if there is no such member, and it has one. */
export async function writeHeld(
	database: Database,
	member: string,
	{ held, gone }: { readonly held: readonly Held[]; readonly gone: readonly string[] },
): Promise<void> {
	const ids = uuidsOf(
		"webhook",
		held.map(({ webhookId: id }) => id),
	);
	const epochs = held.map(({ epoch }) => epoch);
	await database.transact((session) =>
		Promise.all([
			held.length > 0 && session.run(HOLD, [member, binaryArray("uuid", ids), binaryArray("int8", epochs)]),
			gone.length > 0 && session.run(LEAVE, [member, binaryArray("uuid", uuidsOf("webhook", gone))]),
		]),
	);
}

const SELECT_HELD = statement(`
	SELECT relays.webhook_id AS id, held.member, ${isExpired("at")} AS is_expired FROM relay_holders AS held
	JOIN relays ON relays.webhook_id = held.webhook_id AND relays.epoch = held.epoch
	JOIN members ON members.id = held.member, (SELECT cluster_now() AS at) AS clock
	WHERE held.webhook_id = ANY($1::uuid[]) AND held.member IS DISTINCT FROM $2::uuid
`);

/** Those of these relays whose clients members have that live, but for this one. `isSilent` is as in `readByOthers`. */
export function readHeld(
	database: Database,
	ids: readonly string[],
	member: string | null,
	isSilent: (member: string) => boolean,
): Promise<Set<string>> {
	return database.read(async (session) => {
		const rows = await session.run(SELECT_HELD, [binaryArray("uuid", uuidsOf("webhook", ids)), member]);
		const live = rows.filter((row) => !(boolean(row["is_expired"]) && isSilent(text(row["member"]))));
		return new Set(live.map(webhookId));
	});
}

// Requests, as their owner writes them

export interface Announcement {
	readonly request: RelayedRequest;
	readonly isForOthers: boolean;
}

/** What was under the same id before is an earlier try. The answer to it is the answer. */
const ANNOUNCE = statement(`
	INSERT INTO relay_requests (webhook_id, request_id, project_id, owner, facts, headers, body, end_date, make_date)
	SELECT webhook_id, request_id, project_id, $1, facts, headers, body, clock.at + timeout_ms, clock.at
	FROM (SELECT cluster_now() AS at) AS clock,
		unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bytea[], $7::bytea[], $8::bigint[])
			AS given (webhook_id, request_id, project_id, facts, headers, body, timeout_ms)
	ORDER BY webhook_id, request_id
	ON CONFLICT (webhook_id, request_id) DO UPDATE SET owner = excluded.owner, facts = excluded.facts, headers = excluded.headers,
		body = excluded.body, end_date = excluded.end_date, make_date = excluded.make_date,
		outcome = CASE WHEN relay_requests.ended = ${END_CODES.answer} THEN relay_requests.outcome END,
		ended = CASE WHEN relay_requests.ended = ${END_CODES.answer} THEN relay_requests.ended END
	RETURNING webhook_id AS id, request_id, ended, outcome
`);
const WITHDRAW = statement(`
	DELETE FROM relay_requests USING unnest($2::uuid[], $3::text[]) AS given (webhook, request)
	WHERE webhook_id = webhook AND request_id = request AND owner = $1
	RETURNING webhook_id AS id, request_id, ended, outcome
`);

export interface Ended extends RelayedKey {
	readonly end: RelayedEnd;
	readonly outcome: RelayedOutcome;
}

/** Withdraws requests of an owner, and announces others then. Returns the answers to all of them. */
export function write(
	database: Database,
	owner: string,
	{ withdrawn, announced }: { readonly withdrawn: readonly RelayedKey[]; readonly announced: readonly Announcement[] },
): Promise<Ended[]> {
	return database.transact(async (session) => {
		const of = <T>(read: (each: Announcement) => T) => announced.map((each) => read(each));
		const deleted =
			withdrawn.length === 0
				? []
				: session.run(WITHDRAW, [
						owner,
						binaryArray(
							"uuid",
							withdrawn.map((key) => uuidOf("webhook", key.webhookId)),
						),
						binaryArray(
							"text",
							withdrawn.map(({ requestId }) => requestId),
						),
					]);
		const inserted =
			announced.length === 0
				? []
				: session.run(ANNOUNCE, [
						owner,
						binaryArray(
							"uuid",
							of(({ request }) => uuidOf("webhook", request.webhookId)),
						),
						binaryArray(
							"text",
							of(({ request }) => request.requestId),
						),
						binaryArray(
							"uuid",
							of(({ request }) => uuidOf("proj", request.projectId)),
						),
						binaryArray(
							"text",
							of(({ request }) => factsOf(request)),
						),
						binaryArray(
							"bytea",
							of(({ request }) => request.headers),
						),
						binaryArray(
							"bytea",
							of(({ request, isForOthers }) => (isForOthers ? request.body : null)),
						),
						binaryArray(
							"int8",
							of(({ request }) => request.timeoutMs),
						),
					]);
		const rows = [...(await deleted), ...(await inserted)];
		return rows.filter((row) => row["ended"] === END_CODES.answer).map(toEnded);
	});
}

function factsOf({ deliveryId, eventId, attemptNumber, trigger }: RelayedRequest): string {
	return JSON.stringify([deliveryId, eventId, attemptNumber, trigger]);
}

function toEnded(row: Row): Ended {
	return {
		webhookId: webhookId(row),
		requestId: text(row["request_id"]),
		// A newer version may know of more ends.
		end: ENDS_BY_CODE[number(row["ended"])] ?? "other",
		outcome: json<RelayedOutcome>(row["outcome"]),
	};
}

// Requests, as those end them that get answers or have clients

/** The first answer counts, and more than any other end. */
const ANSWER = statement(`
	UPDATE relay_requests SET outcome = CASE WHEN ended = ${END_CODES.answer} THEN outcome ELSE $3 END, ended = ${END_CODES.answer}
	WHERE webhook_id = $1 AND request_id = $2
`);
const END = statement(`
	UPDATE relay_requests SET outcome = $5, ended = $6
	FROM relays WHERE relay_requests.webhook_id = $1 AND request_id = $2 AND ended IS NULL
		AND relays.webhook_id = $1 AND (relays.epoch = $3 OR end_date <= cluster_now()) AND relay_requests.id = $4
`);

/** Returns whether there is such a request. */
export function answer(database: Database, key: RelayedKey, outcome: RelayedOutcome): Promise<boolean> {
	const values = [uuidOf("webhook", key.webhookId), key.requestId, JSON.stringify(outcome)];
	return database.transact(async (session) => (await session.change(ANSWER, values)) > 0);
}

/** Ends a request that was taken as this row, if the client with this epoch is still the newest, or the time to answer is over. */
export async function end(
	database: Database,
	key: RelayedKey & { readonly id: number; readonly epoch: number },
	ended: { readonly end: RelayedEnd; readonly outcome: RelayedOutcome },
): Promise<void> {
	const webhook = uuidOf("webhook", key.webhookId);
	const values = [webhook, key.requestId, key.epoch, key.id, JSON.stringify(ended.outcome), END_CODES[ended.end]];
	await database.transact((session) => session.run(END, values));
}

// What a member sees of the others

/** A request that is offered. */
export interface OfferedRow {
	readonly id: number;
	readonly webhookId: string;
	readonly projectId: string;
	readonly bytes: number;
}

export interface Look {
	readonly member: string;
	/** Whose requests its own are: they are not offered to it. */
	readonly owner: string;
	/** Whether it has requests, which may have ended. */
	readonly isOwner: boolean;
	/** Relays of which it is to be read whether others have their clients. */
	readonly wanted: readonly string[];
	/** Whether this member has clients. */
	readonly isHolder: boolean;
	/** The rows that it has taken. */
	readonly taken: readonly number[];
	/** The relays for which it can take no more. */
	readonly full: readonly string[];
	/** Rows of one relay at most. */
	readonly maxPerRelay: number;
}

export interface Seen {
	readonly ended: readonly Ended[];
	readonly heldElsewhere: ReadonlySet<string>;
	/** The relays that have newer clients elsewhere than here, with the epochs of those here. */
	readonly replaced: readonly Held[];
	/** The oldest first. */
	readonly offered: readonly OfferedRow[];
	/** Those rows among the taken ones that are still open. */
	readonly open: ReadonlySet<number>;
}

const MAX_ENDED = 500;
const SELECT_ENDED = statement(`
	SELECT webhook_id AS id, request_id, ended, outcome FROM relay_requests
	WHERE owner = $1 AND ended IS NOT NULL ORDER BY id LIMIT ${MAX_ENDED}
`);
const SELECT_REPLACED = statement(`
	SELECT held.webhook_id AS id, held.epoch FROM relay_holders AS held
	JOIN relays ON relays.webhook_id = held.webhook_id AND relays.epoch > held.epoch WHERE held.member = $1
`);
const SELECT_OFFERED = statement(`
	SELECT * FROM (
		SELECT request.id AS number, request.webhook_id AS id, request.project_id, length(request.body) AS bytes,
			row_number() OVER (PARTITION BY request.webhook_id ORDER BY request.id) AS place
		FROM relay_requests AS request
		JOIN relay_holders AS held ON held.webhook_id = request.webhook_id AND held.member = $1
		JOIN relays ON relays.webhook_id = held.webhook_id AND relays.epoch = held.epoch
		WHERE request.ended IS NULL AND request.body IS NOT NULL AND request.owner IS DISTINCT FROM $2::uuid
			AND request.id <> ALL($3::bigint[]) AND request.webhook_id <> ALL($4::uuid[])
	) AS offered WHERE place <= $5 ORDER BY number
`);
const SELECT_OPEN = statement("SELECT id AS number FROM relay_requests WHERE id = ANY($1::bigint[]) AND ended IS NULL");

/** What there is for a member, in one round trip. */
export function look(database: Database, asked: Look): Promise<Seen> {
	const { member, owner, isOwner, wanted, isHolder, taken, full, maxPerRelay } = asked;
	return database.read(async (session) => {
		const ids = binaryArray("int8", taken);
		const fullIds = binaryArray("uuid", uuidsOf("webhook", full));
		const wantedIds = binaryArray("uuid", uuidsOf("webhook", wanted));
		const none: readonly Row[] = [];
		const [ended, held, replaced, offered, open] = await Promise.all([
			isOwner ? session.run(SELECT_ENDED, [owner]) : none,
			wanted.length === 0 ? none : session.run(SELECT_HELD, [wantedIds, member]),
			isHolder ? session.run(SELECT_REPLACED, [member]) : none,
			isHolder ? session.run(SELECT_OFFERED, [member, owner, ids, fullIds, maxPerRelay]) : none,
			taken.length === 0 ? none : session.run(SELECT_OPEN, [ids]),
		]);
		return {
			ended: ended.map(toEnded),
			heldElsewhere: new Set(held.map(webhookId)),
			replaced: replaced.map((row) => ({ webhookId: webhookId(row), epoch: number(row["epoch"]) })),
			offered: offered.map((row) => ({
				id: number(row["number"]),
				webhookId: webhookId(row),
				projectId: idOf("proj", text(row["project_id"])),
				bytes: number(row["bytes"]),
			})),
			open: new Set(open.map((row) => number(row["number"]))),
		};
	});
}

const SELECT_REQUESTS = statement(`
	SELECT id AS number, webhook_id AS id, request_id, project_id, facts, headers, body, greatest(0, end_date - cluster_now()) AS left_ms
	FROM relay_requests WHERE id = ANY($1::bigint[]) AND ended IS NULL AND body IS NOT NULL ORDER BY number
`);

/** Those of these requests that are still offered, the oldest first. */
export function readRequests(
	database: Database,
	ids: readonly number[],
): Promise<{ readonly id: number; readonly request: RelayedRequest }[]> {
	return database.read(async (session) => {
		const rows = await session.run(SELECT_REQUESTS, [binaryArray("int8", ids)]);
		return rows.map((row) => ({ id: number(row["number"]), request: toRequest(row) }));
	});
}

function toRequest(row: Row): RelayedRequest {
	type Facts = [deliveryId: string | null, eventId: string, attemptNumber: number, trigger: string];
	const [deliveryId, eventId, attemptNumber, trigger] = json<Facts>(row["facts"]);
	return {
		webhookId: webhookId(row),
		projectId: idOf("proj", text(row["project_id"])),
		requestId: text(row["request_id"]),
		deliveryId,
		eventId,
		attemptNumber,
		trigger,
		headers: bytes(row["headers"]),
		body: bytes(row["body"]),
		timeoutMs: number(row["left_ms"]),
	};
}

/** Nobody is under way any more with a request that is as old as this. */
const OLD_MS = 180_000;
const SWEEP = statement("DELETE FROM relay_requests WHERE make_date < cluster_now() - $1::bigint");

/** Removes the requests of owners that have died, and whose attempts nobody has made again. */
export async function sweep(database: Database): Promise<void> {
	await database.inBackground((session) => session.run(SWEEP, [OLD_MS]));
}
