// Customers: whom webhooks belong to, and which of them an event is for. The ids are strings of the product's own.

export const CUSTOMER_ID_MAX_LENGTH = 128;
export const CUSTOMER_ID_PATTERN = /^[A-Za-z0-9._:-]{1,128}$/;

/** The largest number of customers that one event can name. */
export const MAX_EVENT_CUSTOMERS = 100;

/** In place of a customer's id: every customer. It is not a valid id. */
export const EVERY_CUSTOMER = "*";

/**
 * The customers that an event is for: the id of one, the ids of several, `EVERY_CUSTOMER`, or null for none.
 */
export type EventCustomers = string | readonly string[] | null;

/** Whether `text` is a valid id of a customer. */
export function isCustomerId(text: string): boolean {
	return CUSTOMER_ID_PATTERN.test(text);
}

/**
 * Whether an event may reach a webhook. An event for a customer reaches the webhooks of that customer and those without a
 * customer. An event for nobody reaches only webhooks without one, so that forgetting the field never leaks an event.
 *
 * @example
 * isFor("acme", "acme"); // true
 * isFor("acme", null); // true: the webhook is the product's own
 * isFor(null, "acme"); // false
 */
export function isFor(customers: EventCustomers, webhookCustomerId: string | null): boolean {
	if (webhookCustomerId === null) return true;
	if (customers === null) return false;
	if (typeof customers === "string") return customers === webhookCustomerId || customers === EVERY_CUSTOMER;
	return customers.includes(webhookCustomerId);
}

/** What is kept of a customer. */
export interface Customer {
	readonly projectId: string;
	readonly customerId: string;
	readonly name: string | null;
	readonly metadata: Readonly<Record<string, string>>;
	readonly createDate: number;
	readonly updateDate: number;
}

export const CUSTOMER_NAME_MAX_LENGTH = 128;

/** For how many customers of a project something is kept, and how large that may be together. */
export interface KeptCustomerLimits {
	readonly maxCustomers: number;
	/** UTF-8 bytes of the names and of the metadata as JSON. */
	readonly maxCustomerBytes: number;
}

/** Customers for whom a name or metadata is kept, and the bytes of these. */
export interface CustomerTotals {
	readonly customers: number;
	readonly bytes: number;
}

/** What a customer counts as: nothing without a name and metadata. */
function countedCustomer({ name, metadata }: Pick<Customer, "name" | "metadata">): CustomerTotals {
	if (name === null && Object.keys(metadata).length === 0) return { customers: 0, bytes: 0 };
	return { customers: 1, bytes: Buffer.byteLength(name ?? "") + Buffer.byteLength(JSON.stringify(metadata)) };
}

/** Why a change of a customer is refused. */
export type CustomerRefusal = "too_many_customers" | "customers_too_large";

/**
 * Why a change by `added` is refused in a project that has these totals; null if it is not. What does not grow is never refused, whatever the
 * project has.
 */
export function customerRefusal(
	totals: CustomerTotals,
	added: CustomerTotals,
	{ maxCustomers, maxCustomerBytes }: KeptCustomerLimits,
): CustomerRefusal | null {
	if (added.customers > 0 && totals.customers + added.customers > maxCustomers) return "too_many_customers";
	if (added.bytes > 0 && totals.bytes + added.bytes > maxCustomerBytes) return "customers_too_large";
	return null;
}

/** What a change adds to the totals. */
export function addedBy(before: Customer, after: Customer): CustomerTotals {
	const [from, to] = [countedCustomer(before), countedCustomer(after)];
	return { customers: to.customers - from.customers, bytes: to.bytes - from.bytes };
}
