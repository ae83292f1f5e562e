// The events of a commit: which of them are accepted, and their rows.
import { shardOf } from "../../../../core/cluster/shard.ts";
import { storedEventBytes, storedLabelBytes } from "../../../../core/policies/quota.ts";
import type { AcceptResult, NewEvent } from "../../../../ports/store/accept.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { customerList, customerText, EVENT_COLUMNS, eventDetails, tagsText, toEvent } from "../../codec/event-rows.ts";
import { uuidOf } from "../../codec/ids.ts";
import { bytes, number, text, type Row } from "../../codec/rows.ts";
import { list, qualified, statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";
import type { DeliverySet } from "../../deliveries/delivery-set.ts";
import type { StatsChanges } from "../../stats/journal.ts";

const SELECT_VERSIONS = statement(
	"SELECT id, version FROM projects WHERE id = ANY($1::uuid[]) AND delete_date IS NULL",
);
const SELECT_WEBHOOKS = statement("SELECT id FROM webhooks WHERE id = ANY($1::uuid[])");
/** A key whose event is gone is not known any more. */
const SELECT_KEYS = statement(`
	SELECT k.key, k.fingerprint, ${qualified("e", EVENT_COLUMNS)}
	FROM unnest($1::uuid[], $2::text[]) AS given(project_id, key)
	JOIN idempotency_keys k ON k.project_id = given.project_id AND k.key = given.key AND k.fingerprint IS NOT NULL
	JOIN events e ON e.id = k.event_id
`);
const INSERT_EVENTS = statement(`
	INSERT INTO events (${list(EVENT_COLUMNS)}, details, body) SELECT * FROM unnest(
		$1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::integer[], $7::text[], $8::text[], $9::text[], $10::bytea[]
	)
`);
const INSERT_CUSTOMERS = statement(`
	INSERT INTO event_customers (project_id, customer_id, event_id) SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])
	ON CONFLICT DO NOTHING
`);
const INSERT_TAGS = statement(`
	INSERT INTO event_tags (project_id, tag, event_id) SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])
	ON CONFLICT DO NOTHING
`);
/** If retention has dropped an event with its partition, its key can be left over. */
const DELETE_STALE_KEYS = statement(`
	DELETE FROM idempotency_keys k USING unnest($1::uuid[], $2::text[]) AS given(project_id, key)
	WHERE k.project_id = given.project_id AND k.key = given.key AND k.fingerprint IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM events e WHERE e.id = k.event_id)
`);
/** In the order of the keys, so that two transactions never wait for each other in a circle. */
const INSERT_KEYS = statement(`
	INSERT INTO idempotency_keys (project_id, key, event_id, fingerprint, create_date)
	SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::bigint[]) AS given(project_id, key, event_id, fingerprint, at)
	ORDER BY project_id, key
`);

interface Accepted {
	readonly given: NewEvent;
	readonly id: string;
	readonly project: string;
	readonly tags: string | null;
	readonly labelBytes: number;
}

export class NewEvents {
	readonly #session: Session;
	readonly #events: readonly NewEvent[];
	readonly #deliveries: DeliverySet;
	readonly #stats: StatsChanges;
	/** The UUIDs of the projects of the events. */
	readonly projects: ReadonlySet<string>;
	#versions: ReadonlyMap<string, number> = new Map();
	#webhooks: ReadonlySet<string> = new Set();
	/** What is known of the keys, by project and key. */
	readonly #known = new Map<string, Pick<NewEvent, "event"> & { readonly fingerprint: Uint8Array }>();
	readonly #accepted: Accepted[] = [];

	constructor(session: Session, events: readonly NewEvent[], deliveries: DeliverySet, stats: StatsChanges) {
		this.#session = session;
		this.#events = events;
		this.#deliveries = deliveries;
		this.#stats = stats;
		this.projects = new Set(events.flatMap(({ event }) => uuidOf("proj", event.projectId) ?? []));
	}

	/** Reads what decides about the events. */
	async read(): Promise<void> {
		if (this.#events.length === 0) return;
		const wanted = new Set(
			this.#events.flatMap(({ deliveries }) => deliveries.map(({ webhookId }) => uuidOf("webhook", webhookId) ?? "")),
		);
		const [versions, webhooks, keys] = await Promise.all([
			this.#session.run(SELECT_VERSIONS, [binaryArray("uuid", [...this.projects])]),
			wanted.size === 0 ? [] : this.#session.run(SELECT_WEBHOOKS, [binaryArray("uuid", [...wanted])]),
			this.#readKeys(),
		]);
		this.#versions = new Map(versions.map((row) => [text(row["id"]), number(row["version"])]));
		this.#webhooks = new Set(webhooks.map((row) => text(row["id"])));
		for (const row of keys) {
			const event = toEvent(row);
			this.#known.set(keyOf(event.projectId, text(row["key"])), { event, fingerprint: bytes(row["fingerprint"]) });
		}
	}

	/** Decides about each event, in order. */
	accept(): AcceptResult[] {
		return this.#events.map((each) => this.#accept(each));
	}

	/** Sends the statements that write the accepted events. Their failures are those of the transaction. */
	write(): void {
		const all = this.#accepted;
		if (all.length === 0) return;
		const events = all.map(({ given }) => given.event);
		this.#send(INSERT_EVENTS, [
			binaryArray(
				"uuid",
				all.map(({ id }) => id),
			),
			binaryArray(
				"uuid",
				all.map(({ project }) => project),
			),
			binaryArray(
				"text",
				events.map(({ type }) => type),
			),
			binaryArray(
				"int8",
				events.map(({ timestamp }) => timestamp),
			),
			binaryArray(
				"int8",
				events.map(({ createDate }) => createDate),
			),
			binaryArray(
				"int4",
				events.map(({ deliveryCount }) => deliveryCount),
			),
			binaryArray(
				"text",
				events.map(({ customers }) => customerText(customers)),
			),
			binaryArray(
				"text",
				all.map(({ tags }) => tags),
			),
			binaryArray("text", all.map(detailsOf)),
			binaryArray(
				"bytea",
				all.map(({ given }) => given.body),
			),
		]);
		this.#writeLabels(INSERT_CUSTOMERS, ({ event: { customers } }) => customerList(customers));
		this.#writeLabels(INSERT_TAGS, ({ event: { tags } }) => tags);
		this.#writeKeys();
	}

	async #readKeys(): Promise<readonly Row[]> {
		const keyed = this.#events.filter(({ idempotency }) => idempotency !== null);
		if (keyed.length === 0) return [];
		return this.#session.run(SELECT_KEYS, [
			binaryArray(
				"uuid",
				keyed.map(({ event }) => uuidOf("proj", event.projectId)),
			),
			binaryArray(
				"text",
				keyed.map(({ idempotency }) => idempotency?.key ?? null),
			),
		]);
	}

	#accept(given: NewEvent): AcceptResult {
		const { event, idempotency, projectVersion, deliveries, body } = given;
		const key = idempotency === null ? null : keyOf(event.projectId, idempotency.key);
		const known = key === null ? undefined : this.#known.get(key);
		if (known !== undefined && idempotency !== null) {
			if (Buffer.compare(known.fingerprint, idempotency.fingerprint) !== 0) return { kind: "conflict" };
			return { kind: "duplicate", event: known.event };
		}
		const project = uuidOf("proj", event.projectId);
		const id = uuidOf("evt", event.id);
		if (projectVersion !== null && this.#versions.get(project ?? "") !== projectVersion) return { kind: "stale" };
		if (project === null || id === null || deliveries.length > event.deliveryCount) {
			throw new StoreError("store_conflict", `the event ${event.id} contradicts itself or has no project`);
		}
		if (key !== null && idempotency !== null) this.#known.set(key, { event, fingerprint: idempotency.fingerprint });
		const tags = tagsText(event.tags);
		const labelBytes = storedLabelBytes(idempotency?.key ?? null, event.customers);
		this.#accepted.push({ given, id, project, tags, labelBytes });
		this.#deliveries.noteId(id, event.createDate);
		this.#stats.eventAccepted(project, event.createDate);
		const size = storedEventBytes(body.length, deliveries.length, tags?.length ?? 0, labelBytes);
		this.#stats.storedBytes(project, event.createDate, size);
		for (const delivery of deliveries) this.#acceptDelivery(given, { id, project }, delivery);
		return { kind: "accepted" };
	}

	#acceptDelivery(
		{ event }: NewEvent,
		of: { readonly id: string; readonly project: string },
		{ id, webhookId, state }: NewEvent["deliveries"][number],
	): void {
		const [uuid, webhook] = [uuidOf("dlv", id), uuidOf("webhook", webhookId)];
		if (uuid === null || webhook === null || !this.#webhooks.has(webhook)) {
			throw new StoreError("store_conflict", `there is no webhook ${webhookId} for the delivery ${id}`);
		}
		if (this.#deliveries.get(uuid) !== null) {
			throw new StoreError("store_conflict", `there is a delivery ${id} already`);
		}
		const { type: eventType, createDate } = event;
		const shard = shardOf(webhookId);
		const identity = {
			id: uuid,
			project: of.project,
			webhook,
			event: of.id,
			eventType,
			shard,
			isReplayed: false,
			createDate,
		};
		this.#deliveries.insert(identity, state);
		this.#stats.deliveryAccepted({ project: of.project, webhook }, createDate, state.status);
	}

	/** Writes rows of a project, a text and an event. */
	#writeLabels(insert: typeof INSERT_TAGS, labelsOf: (given: NewEvent) => readonly string[]): void {
		const rows = this.#accepted.flatMap(({ given, id, project }) =>
			labelsOf(given).map((label) => ({ id, project, label })),
		);
		if (rows.length === 0) return;
		this.#send(insert, [
			binaryArray(
				"uuid",
				rows.map(({ project }) => project),
			),
			binaryArray(
				"text",
				rows.map(({ label }) => label),
			),
			binaryArray(
				"uuid",
				rows.map(({ id }) => id),
			),
		]);
	}

	#writeKeys(): void {
		const keyed = this.#accepted.flatMap(({ given, id, project }) =>
			given.idempotency === null ? [] : [{ ...given.idempotency, id, project, at: given.event.createDate }],
		);
		if (keyed.length === 0) return;
		const projects = binaryArray(
			"uuid",
			keyed.map(({ project }) => project),
		);
		const keys = binaryArray(
			"text",
			keyed.map(({ key }) => key),
		);
		this.#send(DELETE_STALE_KEYS, [projects, keys]);
		this.#send(INSERT_KEYS, [
			projects,
			keys,
			binaryArray(
				"uuid",
				keyed.map(({ id }) => id),
			),
			binaryArray(
				"bytea",
				keyed.map(({ fingerprint }) => fingerprint),
			),
			binaryArray(
				"int8",
				keyed.map(({ at }) => at),
			),
		]);
	}

	/** What is sent is awaited by the end of the transaction. */
	#send(...statement: Parameters<Session["run"]>): void {
		this.#session.run(...statement).catch(() => {});
	}
}

function keyOf(projectId: string, key: string): string {
	return `${projectId} ${key}`;
}

function detailsOf({ given: { idempotency, targets, traceparent }, labelBytes }: Accepted): string | null {
	return eventDetails({ idempotencyKey: idempotency?.key ?? null, targets, traceparent }, labelBytes);
}
