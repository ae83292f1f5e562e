// Upgrades: the current server opens data that a released version wrote, and continues its work. packages/testkit/fixtures has the data
// and describes it. `upgrade.test.ts` and `upgrade.all.test.ts` name the versions.
import { verify, type DeliveryDetail } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import {
	fixtureServerOptions,
	openDataFixture,
	type DataFixture,
	type FixtureKey,
} from "@fanfare/testkit/fixture/data-fixture";
import { readAnswer, withoutNewFields } from "@fanfare/testkit/fixture/recorded-answers";
import { startReceiver, type ReceivedRequest } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { readStoredData, withCopy } from "@fanfare/testkit/stored-data";
import { afterAll, beforeAll, expect, it } from "vitest";

const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
/** The fields of a delivery that a repeated attempt may change, apart from `attempts`, which lists do not show. */
const CHANGED_BY_AN_ATTEMPT = { reason: 0, responseCode: 0, attemptCount: 0, nextAttemptDate: 0, updateDate: 0 };

/** A version, the number of its tables, and how many of the attempts in flight are leased by a row of `deliveries`. */
export interface FormerVersion {
	readonly version: Parameters<typeof openDataFixture>[0];
	readonly tables: number;
	readonly leased: number;
}

/** Tests the data of a version with one server. */
export function testUpgrade({ version, tables: tableCount, leased: leasedCount }: FormerVersion): void {
	let fixture: DataFixture;
	let server: ServerProcess;
	/** The attempts in flight, once they were repeated, and what the server answers then. */
	const repeated = new Map<string, DeliveryDetail>();
	const answered = new Map<string, unknown>();
	beforeAll(async () => {
		fixture = openDataFixture(version);
		withCopy(fixture.dataDir, (db) => {
			const tables = db
				.prepare(TABLES)
				.all()
				.map(({ name }) => String(name));
			const counts = tables.map((name) => [name, db.prepare(`SELECT count(*) AS n FROM ${name}`).get()?.["n"]]);
			expect(counts.filter(([, count]) => count === 0)).toEqual([]);
			expect(tables).toHaveLength(tableCount);
			const leased = db.prepare("SELECT count(*) AS n FROM deliveries WHERE lease_until IS NOT NULL").get();
			expect(leased).toEqual({ n: leasedCount });
			// The log is not in the file yet.
			const checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
			expect(checkpoint).toMatchObject({ busy: 0, log: expect.toSatisfy(isPositive) });
		});
		server = await startServerProcess(fixtureServerOptions(fixture));
		for (const { projectId, deliveryId } of fixture.expected.inFlight) {
			const before = fixture.expected.answers[`/projects/${projectId}/deliveries/${deliveryId}`] as DeliveryDetail;
			const delivery = await eventually(`${deliveryId} to be attempted again`, () => attempted(server, before));
			repeated.set(deliveryId, delivery);
		}
		// Before the tests change anything.
		for (const path of Object.keys(fixture.expected.answers)) {
			answered.set(path, await readAnswer((each) => server.call("GET", each), path));
		}
	});
	afterAll(async () => {
		await server[Symbol.asyncDispose]();
		fixture[Symbol.dispose]();
	});

	it("is returned field by field as that version returned it, except for the attempts in flight, which are repeated", () => {
		const { answers, inFlight } = fixture.expected;
		for (const { projectId, deliveryId } of inFlight) {
			const before = answers[`/projects/${projectId}/deliveries/${deliveryId}`] as DeliveryDetail;
			const delivery = repeated.get(deliveryId)!;
			expect(delivery).toMatchObject({ status: "Pending", attemptCount: before.attemptCount + 1 });
			const earlier = delivery.attempts.slice(0, -1);
			expect(withoutNewFields(earlier, before.attempts)).toEqual(before.attempts);
			expect(delivery.attempts.at(-1)).toMatchObject({ error: "blocked_address" });
		}
		const ids = new Set(repeated.keys());
		for (const [path, recorded] of Object.entries(answers)) {
			const expected = withoutAttempted(recorded, ids);
			const answer = withoutAttempted(answered.get(path), ids);
			expect.soft(withoutNewFields(answer, expected), path).toEqual(expected);
		}
	});

	it("is accessible with its keys, each with the same scope as before, and not with the deleted key", async () => {
		const statuses: Record<string, Awaited<ReturnType<typeof statusesWith>>> = {};
		for (const [name, key] of Object.entries(fixture.expected.keys)) statuses[name] = await statusesWith(server, key);
		expect(statuses).toEqual({
			admin: { read: 200, write: 400, administer: 200 },
			reader: { read: 200, write: 403, administer: 403 },
			"shop writer": { read: 200, write: 400, administer: 403 },
			"ledger admin": { read: 200, write: 400, administer: 403 },
			revoked: { read: 401, write: 401, administer: 401 },
		});
	});

	it("knows each event that was sent under an idempotency key", async () => {
		const { idempotentSends } = fixture.expected;
		expect(idempotentSends.length).toBeGreaterThan(2);
		for (const { projectId, eventId, acceptedAt, body } of idempotentSends) {
			const path = `/projects/${projectId}/events`;
			const first = { id: eventId, type: body["type"], createDate: acceptedAt, duplicate: true };
			expect(await server.call("POST", path, body)).toMatchObject({ status: 202, json: first });
			expect((await server.call("POST", path, { ...body, timestamp: 1 })).status).toBe(409);
		}
	});

	it("is delivered when a webhook is resumed, with that webhook's headers and signed with its secrets", async () => {
		await using receiver = await startReceiver();
		const { projectId, id: paused } = webhook(fixture, "paused");
		const { batch, deliveries, events } = server.client.project(projectId);
		const held = (await deliveries.list({ webhookId: paused, status: "Held" })).data;
		expect(held.length).toBeGreaterThan(5);

		await batch.webhooks.update(paused, { spec: { endpoint: receiver.url } });
		await batch.webhooks.resume(paused);
		for (const { eventId, id } of held) {
			await eventually(`${id} to succeed`, async () => (await deliveries.get(id)).status === "Succeeded");
			const request = receiver.requests.find(({ headers }) => headers["webhook-id"] === eventId);
			await expectSigned(fixture, paused, request!);
		}

		for (const name of ["rotated", "every setting"]) {
			const { id, headers } = webhook(fixture, name);
			await batch.webhooks.update(id, { spec: { endpoint: receiver.url } });
			const { id: eventId } = await events.send({ type: "direct.sent", data: name, webhookIds: [id] });
			const request = await eventually(`${name} to get its event`, () =>
				receiver.requests.find((one) => one.headers["webhook-id"] === eventId),
			);
			expect(request.headers).toMatchObject(headers);
			await expectSigned(fixture, id, request);
		}
		expect(fixture.expected.secrets[webhook(fixture, "rotated").id]).toHaveLength(2);
	});

	it("has an unfinished replay, which makes the rest of its deliveries, one for each event", async () => {
		await using receiver = await startReceiver();
		const { projectId, id: webhookId } = webhook(fixture, "slow");
		const { batch, deliveries, replays } = server.client.project(projectId);
		const [before] = (await replays.list({ webhookId })).data;
		expect(before).toMatchObject({ status: "Running", deliveryCount: expect.toSatisfy(isPositive) });

		await batch.webhooks.update(webhookId, { spec: { endpoint: receiver.url, rateLimit: null } });
		await batch.webhooks.resume(webhookId);
		const { deliveryCount } = await replays.wait(before!.id, { everyMs: 20 });
		expect(deliveryCount).toBeGreaterThan(before!.deliveryCount);
		const isOver = async () =>
			(await deliveries.list({ webhookId })).data.every(({ status }) => status === "Succeeded");
		await eventually("all of its deliveries to succeed", isOver);
		const eventIds = (await deliveries.list({ webhookId })).data.map(({ eventId }) => eventId);
		expect(new Set(eventIds).size).toBe(eventIds.length);
	});

	it("is intact after a stop", async () => {
		expect(await server.stop()).toEqual({ code: 0, signal: null });
		expect(readStoredData(fixture.dataDir)).toMatchObject({ integrity: "ok", misnumbered: 0 });
		await server.restart();
	});
}

/** The delivery, once it has more attempts than `before`. */
async function attempted(server: ServerProcess, before: DeliveryDetail): Promise<DeliveryDetail | null> {
	const delivery = await server.client.project(before.projectId).deliveries.get(before.id);
	return delivery.attemptCount > before.attemptCount ? delivery : null;
}

/** Removes, for those deliveries, the fields that an attempt changes, wherever they appear in a response. */
function withoutAttempted(answer: unknown, ids: ReadonlySet<string>): unknown {
	if (Array.isArray(answer)) return answer.map((entry) => withoutAttempted(entry, ids));
	if (typeof answer !== "object" || answer === null) return answer;
	const fields = answer as Readonly<Record<string, unknown>>;
	if (typeof fields["id"] !== "string" || !ids.has(fields["id"])) {
		return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, withoutAttempted(value, ids)]));
	}
	const { attempts: _attempts, ...rest } = fields;
	return { ...rest, ...CHANGED_BY_AN_ATTEMPT };
}

/** The statuses of three calls with this key. None of them changes anything: the body of the write is not valid. */
async function statusesWith(server: ServerProcess, { secretKey, projectId }: FixtureKey) {
	const project = `/projects/${projectId ?? server.projectId}`;
	const status = async (method: string, path: string, body?: object) =>
		(await server.call(method, path, body, { "secret-key": secretKey })).status;
	return {
		read: await status("GET", project),
		write: await status("POST", `${project}/events`, {}),
		administer: await status("GET", "/workspace/keys"),
	};
}

function webhook(fixture: DataFixture, name: string) {
	return fixture.expected.webhooks[name]!;
}

/** Expects one signature for each secret of the webhook. */
async function expectSigned(fixture: DataFixture, webhookId: string, request: ReceivedRequest): Promise<void> {
	const secrets = fixture.expected.secrets[webhookId] ?? [];
	expect(String(request.headers["webhook-signature"]).split(" ")).toHaveLength(secrets.length);
	const now = () => fixture.expected.startAt;
	for (const secret of secrets) {
		const { id } = await verify(request.rawBody, request.headers, secret, { now });
		expect(id).toBe(request.headers["webhook-id"]);
	}
}

function isPositive(value: unknown): boolean {
	return typeof value === "number" && value > 0;
}
