// Claims that come together: how many transactions they take, and that none fails for another.
import type pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";

import { newDelivery } from "../../../../core/delivery.ts";
import { addWebhook, fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import { uuidOf } from "../../codec/ids.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";

const WEBHOOKS = 20;

describeOnPostgres("claims that come together", (database) => {
	let world: World;
	let client: pg.Client;
	beforeEach(async () => {
		world = await fillStore(await database.openEmpty(), WEBHOOKS);
		const { webhookIds, records, accept } = world;
		await accept({ webhookIds, state: newDelivery(records.now, null) });
		client = await database.connect();
	});
	afterEach(async () => {
		await client.query("DROP FUNCTION IF EXISTS strike() CASCADE");
		await client.end();
	});

	const claim = (webhookId: string, projectId = world.projectId) => {
		const { now } = world.records;
		const request = { now, limit: 500, maxBytes: 1_000_000, leaseUntil: now + 60_000 };
		return world.store.claimDue({ ...request, webhookId, projectId });
	};
	/** How many deliveries each of these claims has brought; null for one that has failed. */
	const countsOf = async (claims: readonly ReturnType<typeof claim>[]) => {
		const settled = await Promise.allSettled(claims);
		return settled.map((one) => (one.status === "fulfilled" ? one.value.deliveries.length : null));
	};
	/** Whenever deliveries of these are leased, this is executed. */
	const strike = (column: "webhook_id" | "project_id", id: string | null, statement: string) =>
		client.query(`
			CREATE FUNCTION strike() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statement}; RETURN NEW; END $$;
			CREATE TRIGGER strike BEFORE UPDATE ON open_deliveries FOR EACH ROW
				WHEN (OLD.${column} = '${id}') EXECUTE FUNCTION strike()
		`);
	/** Another project with a due delivery. */
	const otherProject = async () => {
		const { store, records, accept } = world;
		const project = records.project();
		await store.insertProject(project, null);
		const projectId = project.id;
		const { id: webhookId } = await addWebhook(store, records.webhook(projectId));
		await accept({ projectId, webhookIds: [webhookId], state: newDelivery(records.now, null) });
		return { projectId, webhookId };
	};
	/** How many transactions have written the rows of deliveries that wait. */
	const writers = async () => {
		const { rows } = await client.query("SELECT count(DISTINCT xmin::text)::int AS count FROM open_deliveries");
		return Number(rows[0]?.count);
	};

	it("share a transaction, ten at a time", async () => {
		const claims = await Promise.all(world.webhookIds.map((id) => claim(id)));
		expect(claims.map(({ deliveries }) => deliveries.length)).toEqual(Array.from({ length: WEBHOOKS }, () => 1));
		expect(await writers()).toBe(2);
	});

	it("come one after the other for one webhook", async () => {
		const [webhookId = ""] = world.webhookIds;
		const claims = await Promise.all([claim(webhookId), claim(webhookId), claim(webhookId)]);
		expect(claims.flatMap(({ deliveries }) => deliveries)).toHaveLength(1);
	});

	it("share none with those of another project, and do not hold them up", async () => {
		const { projectId, webhookId } = await otherProject();
		const blocker = await database.connect();
		await blocker.query("SELECT pg_advisory_lock(1)");
		await strike("project_id", uuidOf("proj", world.projectId), "PERFORM pg_advisory_xact_lock_shared(1)");
		const held = world.webhookIds.map((id) => claim(id));
		expect((await claim(webhookId, projectId)).deliveries).toHaveLength(1);
		await blocker.end();
		expect(await countsOf(held)).toEqual(held.map(() => 1));
		expect(await writers()).toBe(3);
	});

	it("do not fail for one of them that fails", async () => {
		const [poisoned = "", ...others] = world.webhookIds;
		await strike("webhook_id", uuidOf("webhook", poisoned), "RAISE EXCEPTION 'poisoned'");
		const counts = await countsOf([poisoned, ...others].map((id) => claim(id)));
		expect(counts).toEqual([null, ...others.map(() => 1)]);
	});

	it("fail at most once for one of them that takes too long, which does not take the others' time again", async () => {
		const [slow = "", ...others] = world.webhookIds.slice(0, 10);
		await strike("webhook_id", uuidOf("webhook", slow), "RAISE EXCEPTION 'slow' USING ERRCODE = 'query_canceled'");
		const all = () => countsOf([slow, ...others].map((id) => claim(id)));
		expect(await all()).toEqual([null, ...others.map(() => null)]);
		expect(await all()).toEqual([null, ...others.map(() => 1)]);
		await world.accept({ webhookIds: others, state: newDelivery(world.records.now, null) });
		expect(await all()).toEqual([null, ...others.map(() => 1)]);
		await client.query("DROP FUNCTION strike() CASCADE");
		await world.accept({ webhookIds: others, state: newDelivery(world.records.now, null) });
		expect(await all()).toEqual([1, ...others.map(() => 1)]);
		const before = await writers();
		await world.accept({ webhookIds: [slow, ...others], state: newDelivery(world.records.now, null) });
		expect(await all()).toEqual([1, ...others.map(() => 1)]);
		expect(await writers()).toBe(before + 1);
	});
});
