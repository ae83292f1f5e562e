// The ways to the deliveries that a filter may match. Each index has its rows in the order of ids, for each project, webhook or event.
import type { DeliveryStatus } from "../../../../../core/delivery.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import { LOOK_COST, type Source, type Values } from "../walk.ts";
import { deliveryConditions, statusCondition } from "./conditions.ts";
import type { Wanted } from "./wanted.ts";

/** The statuses of the rows of each table. */
const OPEN = ["Pending", "Held"] as const satisfies readonly DeliveryStatus[];
const ENDED = ["Succeeded", "Failed", "Cancelled"] as const satisfies readonly DeliveryStatus[];
const TABLES = ["open_deliveries entry", "deliveries entry"] as const;
/** The predicate of the indexes by status. */
const IS_EXCEPTIONAL = "(entry.status <> 1 OR entry.cause > 0)";

/** Whose deliveries: those of a project, or of some webhooks. */
type Owner = Pick<Source, "owner" | "owners">;

/**
 * The rows of a project lie beside each other. Those of one webhook lie between those of others: each is read from a page of its own, which
 * takes as long as so many. Several webhooks have such pages in common.
 */
const SCATTERED = 4;

/** The index by which a customer's deliveries are read never depends on the deliveries of others, so a page reveals nothing about these. */
export function deliverySources(wanted: Wanted, values: Values): Source[] {
	const { event, ofCustomer, webhook, tagged, filter } = wanted;
	if (tagged !== null) return taggedSources({ ...wanted, filter: { ...filter, tag: null } }, tagged, values);
	const conditions = deliveryConditions(wanted, values);
	if (event !== null) return eventSources(wanted, event, conditions, values);
	const owner: Owner =
		ofCustomer !== null
			? { owner: "webhook_id", owners: ofCustomer }
			: webhook !== null
				? { owner: "webhook_id", owners: [webhook] }
				: { owner: "project_id", owners: [wanted.project] };
	return ownSources(wanted, owner, [], conditions, values);
}

/** The deliveries of a project, or of some webhooks. */
function ownSources(
	wanted: Wanted,
	owner: Owner,
	where: readonly string[],
	conditions: readonly string[],
	values: Values,
): Source[] {
	const statuses: readonly DeliveryStatus[] = wanted.filter.statuses ?? [...OPEN, ...ENDED];
	const of = (table: string, narrowed: readonly string[], matches: readonly string[]): Source => ({
		table,
		key: "id",
		...owner,
		ownerType: "uuid",
		where: [...narrowed, ...where],
		matches,
		cost: 1 + lookCost(wanted),
		scatteredCost: scatteredCost(owner),
	});
	const isIn = (status: DeliveryStatus) => `entry.status = ${STATUS_CODES[status]}`;
	const sources = OPEN.filter((status) => statuses.includes(status)).map((status) =>
		of("open_deliveries entry", [isIn(status)], conditions),
	);
	const ended = ENDED.filter((status) => statuses.includes(status));
	if (ended.length === 0) return sources;
	if (isExceptional(wanted)) {
		return [...sources, ...ended.map((status) => of("deliveries entry", [isIn(status), IS_EXCEPTIONAL], conditions))];
	}
	const matches = ended.length === ENDED.length ? conditions : [...statusCondition(ended, values), ...conditions];
	return [...sources, of("deliveries entry", [], matches)];
}

function scatteredCost({ owner, owners }: Owner): number {
	return owner === "project_id" ? 0 : Math.max(1, SCATTERED / owners.length) - 1;
}

/** How much longer a delivery takes if its tags are looked up. */
export function lookCost({ filter: { tag = null } }: Wanted): number {
	return tag === null ? 0 : LOOK_COST;
}

/** Whether a filter matches only deliveries that have not simply succeeded. */
function isExceptional({ filter: { statuses, responseCodes, causes } }: Wanted): boolean {
	if (causes !== null) return true;
	if (responseCodes !== null && responseCodes.every(({ from, to }) => to < 200 || from > 299)) return true;
	return statuses !== null && !statuses.includes("Succeeded");
}

/** The deliveries of some events. */
function taggedSources(wanted: Wanted, events: readonly string[], values: Values): Source[] {
	const { ofCustomer, webhook, filter } = wanted;
	const webhooks = ofCustomer ?? (webhook === null ? null : [webhook]);
	const own = webhooks === null ? [] : [`entry.webhook_id = ANY(${values.add(webhooks)}::uuid[])`];
	const matches = [...own, ...statusCondition(filter.statuses, values), ...deliveryConditions(wanted, values)];
	const byEvent = { key: "id", owner: "event_id", owners: events, ownerType: "uuid", cost: 1 } as const;
	return TABLES.map((table) => ({ ...byEvent, table, where: [], matches }));
}

/** The deliveries of one event. Those from when it was accepted have the ids after its own; those that replays have made have later ones. */
function eventSources(
	wanted: Wanted,
	event: NonNullable<Wanted["event"]>,
	conditions: readonly string[],
	values: Values,
): Source[] {
	const { ofCustomer, webhook, filter } = wanted;
	const webhooks = ofCustomer ?? (webhook === null ? null : [webhook]);
	const matches = [...statusCondition(filter.statuses, values), ...conditions];
	const byEvent = { key: "id", owner: "event_id", owners: [event.id], ownerType: "uuid", cost: 1 } as const;
	if (webhooks === null) return TABLES.map((table) => ({ ...byEvent, table, where: [], matches }));
	const [id, last] = [values.add(event.id), values.add(event.last)];
	const owner = { owner: "webhook_id", owners: webhooks };
	const block = [`entry.id > ${id}`, `entry.id <= ${last}`];
	const isOfEvent = `entry.event_id = ${id}`;
	const replayed = ["entry.is_replayed", isOfEvent];
	return [
		...ownSources(
			{ ...wanted, event: null },
			owner,
			block,
			[...conditions, isOfEvent, "NOT entry.is_replayed"],
			values,
		),
		...TABLES.map((table) => ({ ...byEvent, ...owner, table, where: replayed, matches })),
	];
}
