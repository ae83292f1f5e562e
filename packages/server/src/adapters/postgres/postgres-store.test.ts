import { postgresIssue } from "@fanfare/testkit/programs/postgres";
// Runs the contract of the store's port on PostgreSQL.
import { afterAll, beforeAll, beforeEach, describe } from "vitest";

import { describeAccept } from "../../ports/contract/store/accept.contract.ts";
import { describeAudit } from "../../ports/contract/store/audit.contract.ts";
import { describeChanges } from "../../ports/contract/store/changes.contract.ts";
import { describeCustomerDeletion } from "../../ports/contract/store/customer-deletion.contract.ts";
import { describeCustomerTotals } from "../../ports/contract/store/customer-totals.contract.ts";
import { describeCustomers } from "../../ports/contract/store/customers.contract.ts";
import { describeDeleted } from "../../ports/contract/store/deleted.contract.ts";
import { describeDetails } from "../../ports/contract/store/details.contract.ts";
import { describeDirectory } from "../../ports/contract/store/directory.contract.ts";
import { describeErasures } from "../../ports/contract/store/erasures.contract.ts";
import { describeEventTypes } from "../../ports/contract/store/event-types.contract.ts";
import { describeEvents } from "../../ports/contract/store/events.contract.ts";
import { describeHorizon } from "../../ports/contract/store/horizon.contract.ts";
import { describeLifecycle } from "../../ports/contract/store/lifecycle.contract.ts";
import { describeLog } from "../../ports/contract/store/log.contract.ts";
import { describePages } from "../../ports/contract/store/pages.contract.ts";
import { describePortalSessions } from "../../ports/contract/store/portal-sessions.contract.ts";
import { describePurgeReplays } from "../../ports/contract/store/purge-replays.contract.ts";
import { describeQueue } from "../../ports/contract/store/queue.contract.ts";
import { describeRelays } from "../../ports/contract/store/relays.contract.ts";
import { describeReplays } from "../../ports/contract/store/replays.contract.ts";
import { describeRetention } from "../../ports/contract/store/retention.contract.ts";
import { describeSessions } from "../../ports/contract/store/sessions.contract.ts";
import { describeStats } from "../../ports/contract/store/stats.contract.ts";
import { describeUsage } from "../../ports/contract/store/usage.contract.ts";
import { describeVersions } from "../../ports/contract/store/versions.contract.ts";
import { describeWebhookKeys } from "../../ports/contract/store/webhook-keys.contract.ts";
import { describeWebhookLimits } from "../../ports/contract/store/webhook-limits.contract.ts";
import { describeWebhookList } from "../../ports/contract/store/webhook-list.contract.ts";
import type { Store } from "../../ports/store/store.ts";
import { HORIZON_MS } from "./connection/pools.ts";
import { TestDatabase } from "./test/test-store.ts";

const issue = postgresIssue();
/** Opening a store takes some 50 ms. */
const EFFORT = 0.3;
const CAPABILITIES = { horizonMs: HORIZON_MS, returnsSpace: false };

describe.skipIf(issue !== null)(`the store on PostgreSQL${issue === null ? "" : ` (${issue})`}`, () => {
	let database: TestDatabase;
	let store: Store;
	beforeAll(async () => {
		database = await TestDatabase.create();
	});
	afterAll(() => database[Symbol.asyncDispose]());
	beforeEach(async () => {
		store = await database.openEmpty();
	});
	const current = () => store;
	const reopen = async () => {
		store = await database.reopen();
	};

	describe("accept", () => {
		describeAccept(current);
	});
	describe("directory", () => {
		describeDirectory(current);
	});
	describe("changes", () => {
		describeChanges(current);
	});
	describe("list of webhooks", () => {
		describeWebhookList(current);
		describeWebhookKeys(current);
	});
	describe("audit", () => {
		describeAudit(current);
	});
	describe("customers", () => {
		describeCustomers(current);
	});
	describe("relays", () => {
		describeRelays(current);
	});
	describe("webhook limits", () => {
		describeWebhookLimits(current);
		describeCustomerTotals(current);
	});
	describe("versions", () => {
		describeVersions(current);
	});
	describe("event types", () => {
		describeEventTypes(current);
	});
	describe("log", () => {
		describeLog(current);
	});
	describe("lists of events", () => {
		describeEvents(current);
	});
	describe("what the log keeps beside", () => {
		describeDetails(current, reopen);
	});
	describe("pages", () => {
		describePages(current);
	});
	describe("queue", () => {
		describeQueue(current);
	});
	describe("stats", () => {
		describeStats(current, reopen, EFFORT);
	});
	describe("usage", () => {
		describeUsage(current, reopen);
	});
	describe("replays", () => {
		describeReplays(current);
		describePurgeReplays(current);
	});
	describe("horizon", () => {
		describeHorizon(current, CAPABILITIES);
	});
	describe("retention", () => {
		describeRetention(current, CAPABILITIES);
		describeDeleted(current, async () => {});
	});
	describe("the deletion of a customer", () => {
		describeCustomerDeletion(current, reopen);
	});
	describe("lifecycle", () => {
		describeLifecycle(current, reopen);
	});
	describe("erasures in steps", () => {
		describeErasures(current, reopen);
	});
	describe("sessions", () => {
		describeSessions(current);
	});
	describe("portal sessions", () => {
		describePortalSessions(current, reopen);
	});
});
