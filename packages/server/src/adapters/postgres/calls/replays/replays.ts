// Replays: added, cancelled, counted, listed, and moved on step by step.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import { customerOf, isInScope, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import { newestDateOf, type Replay } from "../../../../core/replay.ts";
import type { NewReplay, ReplayCount, ReplayCountStep, ReplayRefusal } from "../../../../ports/store/replays.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { STATUS_CODES } from "../../codec/delivery-rows.ts";
import { FIRST_UUID, idOf, uuidOf, uuidsOf } from "../../codec/ids.ts";
import { REPLAY } from "../../codec/replays/replay-rows.ts";
import { number, text, textOrNull } from "../../codec/rows.ts";
import { insertInto, list, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { readLead } from "../../deliveries/leads.ts";
import type { Partitions } from "../../schema/partitions.ts";
import { writeEntry } from "../audit.ts";
import { checkProject } from "../directory/change.ts";
import { partConditions, readPage, type Part, type Scanned } from "../keyset.ts";
import { search } from "./search.ts";
import { CANCEL, createStepReplay } from "./step.ts";

const { Pending, Held } = STATUS_CODES;

const COLUMNS = list(REPLAY.columns);
const INSERT = insertInto("replays", ["made_after", "chosen", ...REPLAY.columns]);
const COUNT_RUNNING = statement(`
	SELECT count(*) AS count FROM replays WHERE status = 0 AND project_id = $1 AND customer_id IS NOT DISTINCT FROM $2
`);
const COUNT_OF_PROJECT = statement("SELECT count(*) AS count FROM replays WHERE status = 0 AND project_id = $1");
const newest = (from: string) => `(SELECT id FROM ${from} ORDER BY id DESC LIMIT 1)`;
const SELECT_NEWEST = statement(`
	SELECT greatest(
		${["events WHERE project_id = $1", "deliveries WHERE project_id = $1"].map(newest).join(", ")},
		${[Pending, Held].map((status) => newest(`open_deliveries WHERE project_id = $1 AND status = ${status}`)).join(", ")}
	) AS id
`);
const SELECT_RUNNING = statement(`SELECT ${COLUMNS} FROM replays WHERE status = 0 ORDER BY id`);
const SELECT = statement(`SELECT ${COLUMNS} FROM replays WHERE id = $1 AND project_id = $2`);
const SELECT_WEBHOOK = statement("SELECT customer_id FROM webhooks WHERE id = $1");
const SELECT_UNTRIED = statement(`
	SELECT id FROM open_deliveries WHERE id = ANY($1::uuid[]) AND due_at IS NOT NULL AND attempt_count = 0
`);
const NO_TIMES = { low: FIRST_UUID, high: null };

/** The calls of `ReplayStore`. */
export function createReplayCalls(database: Database, partitions: Partitions, numbers: ChangeNumbers) {
	return {
		insertReplays(replays: readonly NewReplay[]): Promise<ReplayRefusal | null> {
			const projectId = replays[0]?.replay.projectId ?? "";
			const project = uuidOf("proj", projectId);
			return database.change(project, async (session) => {
				if (replays.length > 0) await checkProject(session, projectId);
				// Each is counted before the first is there, so that nothing has to be taken back.
				const more = new Map<string | null, number>();
				const [all] = await session.run(COUNT_OF_PROJECT, [project]);
				for (const [before, { replay, limit, projectLimit }] of replays.entries()) {
					const { customerId } = replay;
					const added = (more.get(customerId) ?? 0) + 1;
					const [own] = await session.run(COUNT_RUNNING, [project, customerId]);
					const running = number(own?.["count"]) + added;
					if (running > limit) return "customer";
					if (customerId !== null && running > 1 && number(all?.["count"]) + before + 1 > projectLimit)
						return "project";
					more.set(customerId, added);
				}
				const [newest] = await session.run(SELECT_NEWEST, [project]);
				const madeAfter = textOrNull(newest?.["id"] ?? null) ?? FIRST_UUID;
				for (const { replay, eventIds = null, entry } of replays) {
					const chosen = eventIds === null ? null : binaryArray("uuid", uuidsOf("evt", eventIds));
					await session.run(INSERT, [madeAfter, chosen, ...REPLAY.write(replay)]);
					await writeEntry(session, entry);
				}
				return null;
			});
		},
		stepReplay: createStepReplay(database, partitions, numbers),
		cancelReplay: (replayId: string, at: number, entry: AuditEntry | null): Promise<boolean> =>
			database.transact(async (session) => {
				if ((await session.change(CANCEL, [uuidOf("replay", replayId), at])) === 0) return false;
				await writeEntry(session, entry);
				return true;
			}),
		countReplay: (step: ReplayCountStep): Promise<ReplayCount> =>
			database.snapshot((session) => countReplay(session, step)),
		runningReplays: (): Promise<Replay[]> =>
			database.read(async (session) => (await session.run(SELECT_RUNNING)).map(REPLAY.read)),
		replays: (scope: Scope, webhookId: string | null, request: PageRequest): Promise<Page<Replay>> =>
			database.snapshot(async (session) => {
				const page = await readPage("replay", request, NO_TIMES, (part) => scan(session, scope, webhookId, part));
				return { ...page, rows: page.rows.map(REPLAY.read) };
			}),
		replay: (scope: Scope, replayId: string): Promise<Replay | null> =>
			database.read(async (session) => {
				const [row] = await session.run(SELECT, [uuidOf("replay", replayId), uuidOf("proj", projectOf(scope))]);
				const replay = row === undefined ? null : REPLAY.read(row);
				return replay !== null && isInScope(scope, replay) ? replay : null;
			}),
		untried: (deliveryIds: readonly string[]): Promise<string[]> =>
			database.read(async (session) => {
				const rows = await session.run(SELECT_UNTRIED, [binaryArray("uuid", uuidsOf("dlv", deliveryIds))]);
				const untried = new Set(rows.map((row) => text(row["id"])));
				return deliveryIds.filter((id) => untried.has(uuidOf("dlv", id) ?? ""));
			}),
	};
}

async function countReplay(
	session: Session,
	{ scope, webhookId, filter, eventIds = null, afterEventId, scanLimit }: ReplayCountStep,
): Promise<ReplayCount> {
	const projectId = projectOf(scope);
	const [project, webhook] = [uuidOf("proj", projectId), uuidOf("webhook", webhookId)];
	const [[target], lead] = await Promise.all([session.run(SELECT_WEBHOOK, [webhook]), readLead(session)]);
	const customerId = target === undefined ? null : textOrNull(target["customer_id"]);
	const isKnown = project !== null && webhook !== null && target !== undefined;
	if (!isKnown || !isInScope(scope, { projectId, customerId })) {
		return { matching: 0, newestDate: null, lastEventId: null };
	}
	const { matches, position, done } = await search(session, {
		project,
		webhook,
		customerId,
		filter,
		idLeadMs: lead.idMs,
		chosen: eventIds === null ? null : uuidsOf("evt", eventIds),
		after: afterEventId === null ? null : uuidOf("evt", afterEventId),
		scanLimit,
		matchLimit: Infinity,
		madeAfter: null,
	});
	const lastEventId = done || position === null ? null : idOf("evt", position);
	return { matching: matches.length, newestDate: newestDateOf(matches), lastEventId };
}

async function scan(session: Session, scope: Scope, webhookId: string | null, part: Part): Promise<Scanned> {
	const values: unknown[] = [uuidOf("proj", projectOf(scope))];
	const customerId = customerOf(scope);
	const ofWebhook = webhookId === null ? "" : `AND webhook_id = $${values.push(uuidOf("webhook", webhookId))}`;
	const ofCustomer = customerId === null ? "" : `AND customer_id = $${values.push(customerId)}`;
	const rows = await session.query(
		`
			SELECT ${COLUMNS} FROM replays WHERE project_id = $1 ${ofWebhook} ${ofCustomer} AND ${partConditions(part, values)}
			ORDER BY id ${part.order} LIMIT $${values.push(part.limit)}
		`,
		values,
	);
	return { rows, stoppedAt: null };
}
