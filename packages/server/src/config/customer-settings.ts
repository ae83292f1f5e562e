// The settings about customers: what a project keeps of all of them, and what each may have at once.
import { HIGHEST_CHANGES_PER_MINUTE } from "../core/policies/change-quota.ts";
import { HIGHEST_CUSTOMER_LIMITS } from "../core/policies/customer-limits.ts";
import { wholeNumber } from "./parse.ts";
import { setting } from "./setting.ts";

export const CUSTOMER_SETTINGS = {
	maxCustomers: setting(wholeNumber(1, 1_000_000), 100_000, {
		expected: "a whole number from 1 to 1000000",
		meaning:
			"The maximum number of customers in one project for whom a name or metadata is kept. A name or metadata for a further one is refused with a 409.",
		defaultText: "`100000`",
		example: "10000",
		reloads: true,
	}),
	maxCustomerBytes: setting(wholeNumber(64 * 1_024, 4_294_967_296), 64 * 1_024 * 1_024, {
		expected: "a whole number from 65536 to 4294967296",
		meaning:
			"The maximum size of the names and the metadata of all customers of one project, in bytes; 64 MiB by default.",
		defaultText: "`67108864`",
		example: "16777216",
		reloads: true,
	}),
	maxWebhooksPerCustomer: setting(wholeNumber(1, HIGHEST_CUSTOMER_LIMITS.maxWebhooksPerCustomer), 50, {
		expected: "a whole number from 1 to 10000",
		meaning:
			"The most webhooks of one customer, in projects without a `maxWebhooksPerCustomer` of their own. Creating further ones is refused with a 409.",
		defaultText: "`50`",
		example: "10",
		reloads: true,
	}),
	maxReplaysPerCustomer: setting(wholeNumber(1, HIGHEST_CUSTOMER_LIMITS.maxReplaysPerCustomer), 2, {
		expected: "a whole number from 1 to 100",
		meaning:
			"The most running replays to the webhooks of one customer, in projects without a `maxReplaysPerCustomer` of their own. They do not count among the 10 to webhooks without a customer. Fewer while the project has many (`FANFARE_MAX_REPLAYS`).",
		defaultText: "`2`",
		example: "1",
		reloads: true,
	}),
	maxStreamsPerCustomer: setting(wholeNumber(1, HIGHEST_CUSTOMER_LIMITS.maxStreamsPerCustomer), 5, {
		expected: "a whole number from 1 to 100",
		meaning:
			"The most live streams of one customer at once, in projects without a `maxStreamsPerCustomer` of their own. They do not count among those of the project.",
		defaultText: "`5`",
		example: "2",
		reloads: true,
	}),
	maxTestsPerCustomer: setting(wholeNumber(1, HIGHEST_CUSTOMER_LIMITS.maxTestsPerCustomer), 2, {
		expected: "a whole number from 1 to 64",
		meaning:
			"The most tests of webhooks of one customer at once, in projects without a `maxTestsPerCustomer` of their own.",
		defaultText: "`2`",
		example: "1",
		reloads: true,
	}),
	maxChangesPerMinutePerCustomer: setting(wholeNumber(0, HIGHEST_CHANGES_PER_MINUTE), 30, {
		expected: `a whole number from 0 to ${HIGHEST_CHANGES_PER_MINUTE}`,
		meaning:
			"The changes that each customer may make in a minute, on average, with the tokens of all their portal sessions; those of ten minutes " +
			"at once. Further ones get a 429 with `Retry-After`, but for those that end something. `0` means no quota for each.",
		defaultText: "`30`",
		example: "60",
		reloads: true,
	}),
};
