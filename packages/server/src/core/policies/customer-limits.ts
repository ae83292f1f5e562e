// Limits of each customer: how much one customer of a project may have at once.

/** The server's settings, and the limits that apply to the customers of a project. */
export interface CustomerLimits {
	/** Webhooks of one customer that are not deleted. */
	readonly maxWebhooksPerCustomer: number;
	/** Running replays to the webhooks of one customer, which count among those of the project. */
	readonly maxReplaysPerCustomer: number;
	/** Live streams of one customer, which do not count among those of the project. */
	readonly maxStreamsPerCustomer: number;
	/** Tests of webhooks of one customer under way, which count among those of the project. */
	readonly maxTestsPerCustomer: number;
}

/** A project's own limits; null means the server's setting. */
export type ProjectCustomerLimits = { readonly [Name in keyof CustomerLimits]: number | null };

/** The limits of a project that has none of its own. */
export const NO_CUSTOMER_LIMITS: ProjectCustomerLimits = {
	maxWebhooksPerCustomer: null,
	maxReplaysPerCustomer: null,
	maxStreamsPerCustomer: null,
	maxTestsPerCustomer: null,
};

/** The highest limits that the settings and a project may have. */
export const HIGHEST_CUSTOMER_LIMITS: CustomerLimits = {
	maxWebhooksPerCustomer: 10_000,
	maxReplaysPerCustomer: 100,
	maxStreamsPerCustomer: 100,
	maxTestsPerCustomer: 64,
};

/** The limits that apply to the customers of a project. */
export function customerLimitsOf(server: CustomerLimits, project: ProjectCustomerLimits): CustomerLimits {
	return {
		maxWebhooksPerCustomer: project.maxWebhooksPerCustomer ?? server.maxWebhooksPerCustomer,
		maxReplaysPerCustomer: project.maxReplaysPerCustomer ?? server.maxReplaysPerCustomer,
		maxStreamsPerCustomer: project.maxStreamsPerCustomer ?? server.maxStreamsPerCustomer,
		maxTestsPerCustomer: project.maxTestsPerCustomer ?? server.maxTestsPerCustomer,
	};
}
