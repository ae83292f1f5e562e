// The ways to the deliveries that a filter may match. Each index has its rows in the order of ids, for each project, webhook or event.
import type { DeliveryStatus } from "../../../../../core/delivery.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import type { Look, Source, Values } from "../source.ts";
import { deliveryConditions, statusCondition, tagCondition, tagLook } from "./conditions.ts";
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
 * The rows of a project lie beside each other. Those of a webhook, and those that have failed, lie between others: each is read from a page
 * of its own, which takes as long as so many.
 */
const SCATTERED = 6;
/** The webhooks of a customer often get the same events, or are as busy as each other, so that some of their rows are on one page. */
const SCATTERED_OF_CUSTOMER = 3;

/** The index by which a customer's deliveries are read never depends on the deliveries of others, so a page reveals nothing about these. */
export function deliverySources(wanted: Wanted): Source[] {
	const { event, ofCustomer, webhook, tagged, filter } = wanted;
	if (tagged !== null) return taggedSources({ ...wanted, filter: { ...filter, tag: null } }, tagged);
	if (event !== null) return eventSources(wanted, event);
	const owner: Owner =
		ofCustomer !== null
			? { owner: "webhook_id", owners: ofCustomer }
			: webhook !== null
				? { owner: "webhook_id", owners: [webhook] }
				: { owner: "project_id", owners: [wanted.project] };
	const conditions = (values: Values) => deliveryConditions(wanted, values);
	return ownSources(wanted, owner, { where: () => [], conditions, look: tagLook(wanted) });
}

type MakeConditions = (values: Values) => readonly string[];

interface Conditions {
	/** What leads to the rows beside their owner. */
	readonly where: MakeConditions;
	readonly conditions: MakeConditions;
	readonly look: Look | undefined;
}

/** The deliveries of a project, or of some webhooks. */
function ownSources(wanted: Wanted, owner: Owner, { where, conditions, look }: Conditions): Source[] {
	const statuses: readonly DeliveryStatus[] = wanted.filter.statuses ?? [...OPEN, ...ENDED];
	const shared = {
		key: "id",
		...owner,
		ownerType: "uuid",
		...(look !== undefined && { look }),
		cost: 1,
		scatteredCost: scatteredCost(wanted),
	} as const;
	/** The rows of each status by themselves. A table is planned for once, however many they are. */
	const byStatus = (table: string, some: readonly DeliveryStatus[], narrowed: readonly string[]): Source[] => {
		const pairs = some.flatMap((status) => owner.owners.map((id) => ({ id, status: STATUS_CODES[status] })));
		const [owners, codes] = [pairs.map(({ id }) => id), pairs.map(({ status }) => status)];
		const leads: MakeConditions = (values) => [...narrowed, ...where(values)];
		return some.length === 0 ? [] : [{ ...shared, table, owners, statuses: codes, where: leads, matches: conditions }];
	};
	const waiting = OPEN.filter((status) => statuses.includes(status));
	const open = byStatus("open_deliveries entry", waiting, []);
	const ended = ENDED.filter((status) => statuses.includes(status));
	if (ended.length === 0) return open;
	if (isExceptional(wanted)) {
		const few = byStatus("deliveries entry", ended, [IS_EXCEPTIONAL]);
		return [...open, ...few.map((source) => ({ ...source, scatteredCost: SCATTERED - 1 }))];
	}
	const some = ended.length === ENDED.length ? null : ended;
	const matches: MakeConditions = (values) => [...statusCondition(some, values), ...conditions(values)];
	return [...open, { ...shared, table: "deliveries entry", where, matches }];
}

function scatteredCost({ ofCustomer, webhook }: Wanted): number {
	if (ofCustomer !== null) return SCATTERED_OF_CUSTOMER - 1;
	return webhook === null ? 0 : SCATTERED - 1;
}

/** Whether a filter matches only deliveries that have not simply succeeded. */
function isExceptional({ filter: { statuses, responseCodes, causes } }: Wanted): boolean {
	if (causes !== null) return true;
	if (responseCodes !== null && responseCodes.every(({ from, to }) => to < 200 || from > 299)) return true;
	return statuses !== null && !statuses.includes("Succeeded");
}

/** The deliveries of some events. */
function taggedSources(wanted: Wanted, events: readonly string[]): Source[] {
	const { ofCustomer, webhook, filter } = wanted;
	const webhooks = ofCustomer ?? (webhook === null ? null : [webhook]);
	const matches: MakeConditions = (values) => [
		...(webhooks === null ? [] : [`entry.webhook_id = ANY(${values.add(webhooks)}::uuid[])`]),
		...statusCondition(filter.statuses, values),
		...deliveryConditions(wanted, values),
	];
	const byEvent = { key: "id", owner: "event_id", owners: events, ownerType: "uuid", cost: 1 } as const;
	return TABLES.map((table) => ({ ...byEvent, table, where: () => [], matches }));
}

/** The deliveries of one event. Those from when it was accepted have the ids after its own; those that replays have made have later ones. */
function eventSources(wanted: Wanted, event: NonNullable<Wanted["event"]>): Source[] {
	const { ofCustomer, webhook, filter } = wanted;
	const webhooks = ofCustomer ?? (webhook === null ? null : [webhook]);
	const conditions: MakeConditions = (values) => [
		...deliveryConditions(wanted, values),
		...tagCondition(wanted, values),
	];
	const matches: MakeConditions = (values) => [...statusCondition(filter.statuses, values), ...conditions(values)];
	const byEvent = { key: "id", owner: "event_id", owners: [event.id], ownerType: "uuid", cost: 1 } as const;
	if (webhooks === null) return TABLES.map((table) => ({ ...byEvent, table, where: () => [], matches }));
	const owner = { owner: "webhook_id", owners: webhooks };
	const isOfEvent = (values: Values) => `entry.event_id = ${values.add(event.id)}`;
	return [
		...ownSources({ ...wanted, event: null }, owner, {
			where: (values) => [`entry.id > ${values.add(event.id)}`, `entry.id <= ${values.add(event.last)}`],
			conditions: (values) => [...conditions(values), isOfEvent(values), "NOT entry.is_replayed"],
			look: undefined,
		}),
		...TABLES.map((table): Source => {
			const where: MakeConditions = (values) => ["entry.is_replayed", isOfEvent(values)];
			return { ...byEvent, ...owner, table, where, matches };
		}),
	];
}
