// Quotas: how many events a second a project may send, and how many bytes it may have in the store.
import { EVERY_CUSTOMER, type EventCustomers } from "../access/customer.ts";
import type { ChangeQuotas } from "./change-quota.ts";
import type { CustomerLimits } from "./customer-limits.ts";
import type { LogRetention } from "./retention.ts";

/** The server's settings; 0 means no quota. */
export interface QuotaSettings {
	/** Events that a project may send in a second, on average. */
	readonly maxEventsPerSecond: number;
	/** Bytes that a project may have in the store when it sends an event: see `storedEventBytes`. */
	readonly maxStoredBytes: number;
}

/** A project's own quotas; null means the server's setting, 0 no quota. */
export interface ProjectQuotas {
	readonly maxEventsPerSecond: number | null;
	readonly maxStoredBytes: number | null;
}

export const NO_QUOTAS: QuotaSettings = { maxEventsPerSecond: 0, maxStoredBytes: 0 };
export const HIGHEST_EVENTS_PER_SECOND = 1_000_000;
/** A petabyte. */
export const HIGHEST_STORED_BYTES = 1_000_000_000_000_000;

/**
 * Besides its body, about what an event takes in the store with its entries in indexes; and about what each of its
 * deliveries takes, besides the records of attempts. Permanent: what was added with these numbers is subtracted with them.
 */
export const STORED_EVENT_BYTES = 160;
export const STORED_DELIVERY_BYTES = 110;
/** Tags are stored with the event, and in an index. */
export const STORED_COPIES_OF_TAGS = 2;
/** An idempotency key is stored with the event, and in a table of its own, beside this much more. */
const STORED_COPIES_OF_KEY = 2;
const STORED_KEY_BYTES = 80;
/** Customers are stored with the event, in an index by all of them, and one by one. */
const STORED_COPIES_OF_CUSTOMERS = 3;

/**
 * How many bytes a new event counts as. `tagsLength` is that of its tags as JSON, 0 without tags; `labelBytes` are those of
 * `storedLabelBytes`. The records of attempts are added later, as long as they are.
 */
export function storedEventBytes(bodyBytes: number, deliveries: number, tagsLength = 0, labelBytes = 0): number {
	const fixed = STORED_EVENT_BYTES + deliveries * STORED_DELIVERY_BYTES;
	return bodyBytes + fixed + tagsLength * STORED_COPIES_OF_TAGS + labelBytes;
}

/**
 * How many bytes an event's idempotency key and its customers count as. Earlier versions did not count them, so a store keeps this number
 * with the event: what is subtracted is what was added.
 */
export function storedLabelBytes(idempotencyKey: string | null, customers: EventCustomers): number {
	const key = idempotencyKey === null ? 0 : STORED_KEY_BYTES + Buffer.byteLength(idempotencyKey) * STORED_COPIES_OF_KEY;
	return key + customersLength(customers) * STORED_COPIES_OF_CUSTOMERS;
}

/** About the length of the customers as they are stored: ids have no characters of more than one byte. */
function customersLength(customers: EventCustomers): number {
	if (customers === null || customers === EVERY_CUSTOMER) return 0;
	if (typeof customers === "string") return customers.length;
	return customers.reduce((sum, { length }) => sum + length + 3, 2);
}

/** The quotas that apply to a project; 0 means no quota. */
export function quotasOf(server: QuotaSettings, project: ProjectQuotas): QuotaSettings {
	return {
		maxEventsPerSecond: project.maxEventsPerSecond ?? server.maxEventsPerSecond,
		maxStoredBytes: project.maxStoredBytes ?? server.maxStoredBytes,
	};
}

/** The server's settings of all that a project can set for itself. */
export interface ServerSettings extends LogRetention, QuotaSettings, CustomerLimits {}

/** What a project has stored, the quotas that apply to it, and what applies where it has set nothing. */
export interface ProjectUsage extends QuotaSettings, ChangeQuotas {
	readonly storedBytes: number;
	readonly serverSettings: ServerSettings;
}
