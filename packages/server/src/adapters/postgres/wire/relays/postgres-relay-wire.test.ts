// Runs the contract of a wire for relays on PostgreSQL, and shows what is left in its tables, and who gets the room.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createIdMaker, makeProjectId } from "../../../../core/ids.ts";
import { relayWireContract } from "../../../../ports/contract/relay-wire.contract.ts";
import type { RelayedOutcome, RelayedRequest, RelayWire } from "../../../../ports/relay-wire.ts";
import type { Store } from "../../../../ports/store/store.ts";
import { systemChance } from "../../../system/system-chance.ts";
import { systemClock } from "../../../system/system-clock.ts";
import { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";
import { TestMembers } from "../../test/test-member.ts";
import { FairRoom, inTurn } from "./fair-room.ts";
import { PostgresRelayWire } from "./postgres-relay-wire.ts";

const WAIT = { interval: 20 };
const ids = createIdMaker(systemChance);

describeOnPostgres("relays between members on PostgreSQL", (database) => {
	const members = new TestMembers();
	let store: Store;
	beforeEach(async () => {
		store = await database.openEmpty();
	});
	afterEach(() => members.close());
	const start = (count: number) => members.start(count, database.url);
	const makeRelay = async (projectId: string) => {
		const webhookId = ids.make("webhook", 1_800_000_000_000);
		const relay = { webhookId, projectId, customerId: null, device: webhookId, mirrorOf: null, epoch: 0, seenDate: 5 };
		await store.putRelay(relay);
		return webhookId;
	};
	const openStream = async (webhookId: string) => (await store.holdRelay(webhookId, 5)) ?? 0;
	const makeProject = () => makeProjectId(systemChance);
	const request = (webhookId: string, projectId: string, number = 1, bytes = 10): RelayedRequest => ({
		webhookId,
		projectId,
		requestId: `dlv.${number}`,
		deliveryId: null,
		eventId: "evt",
		attemptNumber: 1,
		trigger: "auto",
		headers: new Uint8Array(3),
		body: new Uint8Array(bytes),
		timeoutMs: 30_000,
	});
	const offeredTo = (wire: RelayWire) => {
		const offered: string[] = [];
		const ignore = () => {};
		const rest = { ended: ignore, heldElsewhere: ignore, closed: ignore, replaced: ignore, returned: ignore };
		wire.listen({ ...rest, offered: ({ webhookId, requestId }) => offered.push(`${webhookId} ${requestId}`) });
		return offered;
	};

	relayWireContract({
		name: "PostgreSQL",
		open: async () => (await start(3)).map(({ wire }) => wire.relays),
		makeRelay,
		openStream,
	});

	it("leave no row when requests have ended and clients have gone, and remove what a dead owner has left", async () => {
		const [a, b] = await start(2);
		const projectId = makeProject();
		const webhookId = await makeRelay(projectId);
		await a!.wire.relays.hold(webhookId, await openStream(webhookId));
		await b!.wire.relays.announce(request(webhookId, projectId), true);
		expect([await database.count("relay_requests"), await database.count("relay_holders")]).toEqual([1, 1]);
		await b!.wire.relays.withdraw({ webhookId, requestId: "dlv.1" });
		await a!.wire.relays.leave(webhookId, 1);
		expect([await database.count("relay_requests"), await database.count("relay_holders")]).toEqual([0, 0]);
		await b!.wire.relays.announce(request(webhookId, projectId), true);
		await a!.wire.relays.sweep();
		expect(await database.count("relay_requests")).toBe(1);
		await database.query("UPDATE relay_requests SET make_date = make_date - 200000");
		await a!.wire.relays.sweep();
		expect(await database.count("relay_requests")).toBe(0);
	});

	it("are each said to be held or not, however many ask at once", async () => {
		const [a, b] = await start(2);
		const all: string[] = [];
		for (let n = 0; n < 6; n++) all.push(await makeRelay(makeProject()));
		for (const id of all.slice(3)) await a!.wire.relays.hold(id, await openStream(id));
		const held = await Promise.all(all.map((id) => b!.wire.relays.held([id])));
		expect(held.map((ids) => [...ids])).toEqual(all.map((id, n) => (n < 3 ? [] : [id])));
	});

	it("are not held any more when a client has gone whose row could not be removed at first", async () => {
		const [a, b] = await start(2);
		const webhookId = await makeRelay(makeProject());
		const epoch = await openStream(webhookId);
		await a!.wire.relays.hold(webhookId, epoch);
		const blocker = await database.connect();
		try {
			await blocker.query("BEGIN; LOCK TABLE relay_holders IN SHARE MODE");
			// It waits for the lock for as long as it may, and is not written.
			await a!.wire.relays.leave(webhookId, epoch);
			expect(a!.problems).toHaveLength(1);
		} finally {
			await blocker.end();
		}
		await expect.poll(async () => (await b!.wire.relays.held([webhookId])).size, WAIT).toBe(0);
	});

	it("are known and forgotten many at once when clients come and go together", async () => {
		const [a] = await start(1);
		const relays = a!.wire.relays;
		// As many clients come and go when a network does. The rows of relays themselves are not needed.
		const some = Array.from({ length: 1_000 }, () => ids.make("webhook", 1_800_000_000_000));
		await database.query(`
			CREATE SEQUENCE told;
			CREATE FUNCTION count_told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('told'); RETURN NULL; END $$;
			CREATE TRIGGER count_told AFTER INSERT OR UPDATE OR DELETE ON relay_holders EXECUTE FUNCTION count_told()
		`);
		await Promise.all(some.map((id) => relays.hold(id, 1)));
		expect(await database.count("relay_holders")).toBe(1_000);
		await Promise.all(some.map((id) => relays.leave(id, 1)));
		expect(await database.count("relay_holders")).toBe(0);
		const [statements] = await database.query("SELECT last_value::int AS count FROM told");
		expect(statements?.["count"]).toBeLessThan(100);
		await database.query("DROP SEQUENCE told; DROP FUNCTION count_told CASCADE");
	});

	it("are not left by an older client that comes and goes after a newer one", async () => {
		const [a, b] = await start(2);
		const webhookId = await makeRelay(makeProject());
		const older = await openStream(webhookId);
		const newer = await openStream(webhookId);
		const { relays } = a!.wire;
		await Promise.all([relays.hold(webhookId, newer), relays.hold(webhookId, older)]);
		await relays.leave(webhookId, older);
		expect((await b!.wire.relays.held([webhookId])).size).toBe(1);
		// It has gone before anybody has written that it came back.
		const left = relays.leave(webhookId, newer);
		const back = relays.hold(webhookId, newer);
		await Promise.all([left, back, relays.leave(webhookId, newer)]);
		expect(await database.count("relay_holders")).toBe(0);
	});

	it("have no client any more when its member has died, and have it again when the member is back", async () => {
		const [a, b] = await start(2);
		const projectId = makeProject();
		const webhookId = await makeRelay(projectId);
		const offered = offeredTo(a!.wire.relays);
		await a!.wire.relays.hold(webhookId, await openStream(webhookId));
		a!.clock.freeze();
		const isHeld = async () => (await b!.wire.relays.held([webhookId])).size;
		await expect.poll(isHeld, WAIT).toBe(0);
		await b!.wire.relays.announce(request(webhookId, projectId), true);
		a!.clock.resume();
		await expect.poll(isHeld, WAIT).toBe(1);
		await expect.poll(() => offered, WAIT).toEqual([`${webhookId} dlv.1`]);
	});

	/**
	 * A wire of its own, how often it has read, and what it has told others. It looks only when it is told to, unless it `looksByItself`. Its
	 * reads wait for `gate`.
	 */
	const openWire = async ({ looksByItself = false, gate = Promise.resolve() } = {}) => {
		const [a] = await start(1);
		const sent: string[] = [];
		/** The timers for looks that it was told to make. */
		let asked = 0;
		let reads = 0;
		class CountedReads extends Database {
			override async read<T>(work: (session: Session) => Promise<T>): Promise<T> {
				reads++;
				await gate;
				return super.read(work);
			}
		}
		const counted = new CountedReads({ url: database.url, clock: systemClock, maxConnections: 3 });
		const wire = new PostgresRelayWire({
			database: counted,
			clock: {
				monotonicMs: () => systemClock.monotonicMs(),
				after: (ms, fire) => {
					if (ms === 200 && !looksByItself) return () => {};
					asked++;
					return systemClock.after(ms, fire);
				},
			},
			observer: { problem: (message) => sent.push(message) },
			member: () => a!.memberId(),
			isSilent: () => false,
			isCurrent: () => true,
			signals: { isUp: false, send: (signal) => sent.push(signal) },
		});
		const close = async () => {
			await wire.stop();
			await counted.close();
		};
		return { wire, sent, reads: () => reads, asked: () => asked, [Symbol.asyncDispose]: close };
	};

	it("are not offered to their owner, also if it has begun to look before it has written the first of them", async () => {
		const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
		await using opened = await openWire({ looksByItself: true, gate });
		const { wire, reads } = opened;
		const offered = offeredTo(wire);
		const projectId = makeProject();
		const webhookId = await makeRelay(projectId);
		await wire.hold(webhookId, await openStream(webhookId));
		await expect.poll(reads, WAIT).toBe(1);
		await wire.announce(request(webhookId, projectId), true);
		openGate();
		// By then, what the first look has found was read.
		await expect.poll(reads, WAIT).toBeGreaterThan(3);
		expect(offered).toEqual([]);
		expect(opened.sent.filter((each) => each !== "relays")).toEqual([]);
	});

	it("are looked for once when many signals come, again when one comes during a look, and not without a client or a request", async () => {
		await using opened = await openWire();
		const { wire, reads, asked } = opened;
		wire.told();
		const webhookId = await makeRelay(makeProject());
		await wire.hold(webhookId, await openStream(webhookId));
		expect(reads()).toBe(0);
		for (let n = 0; n < 100; n++) wire.told();
		await expect.poll(reads, WAIT).toBe(1);
		// The look is under way, or over.
		for (let n = 0; n < 100; n++) wire.told();
		await expect.poll(reads, WAIT).toBe(2);
		wire.told();
		await expect.poll(reads, WAIT).toBe(3);
		expect(asked()).toBe(3);
	});

	it("are told of to others when these have to look, and only then", async () => {
		await using opened = await openWire();
		const { wire, sent } = opened;
		const projectId = makeProject();
		const webhookId = await makeRelay(projectId);
		const epoch = await openStream(webhookId);
		const outcome = { responseCode: 200 } as RelayedOutcome;
		const steps: readonly (readonly [number, () => Promise<unknown>])[] = [
			[1, () => wire.hold(webhookId, epoch)],
			// Its own client has the requests, and nobody else needs to look for them.
			[0, () => wire.announce(request(webhookId, projectId), false)],
			[1, () => wire.answer({ webhookId, requestId: "dlv.1" }, outcome)],
			[0, () => wire.withdraw({ webhookId, requestId: "dlv.1" })],
			[0, () => wire.answer({ webhookId, requestId: "dlv.1" }, outcome)],
			[1, () => wire.leave(webhookId, epoch)],
			[1, () => wire.announce(request(webhookId, projectId, 2), true)],
			[1, () => wire.withdraw({ webhookId, requestId: "dlv.2" })],
		];
		const counts: number[] = [];
		for (const [, step] of steps) {
			const before = sent.length;
			await step();
			counts.push(sent.length - before);
		}
		expect(counts).toEqual(steps.map(([count]) => count));
		expect(new Set(sent)).toEqual(new Set(["relays"]));
	});

	it("are written and taken when the database is back", async () => {
		const [a, b] = await start(2);
		const projectId = makeProject();
		const webhookId = await makeRelay(projectId);
		const offered = offeredTo(a!.wire.relays);
		await a!.wire.relays.hold(webhookId, await openStream(webhookId));
		await b!.wire.relays.announce(request(webhookId, projectId), true);
		await database.loseConnections();
		const second = b!.wire.relays.announce(request(webhookId, projectId, 2), true);
		await database.loseConnections();
		await second;
		await expect.poll(() => offered.toSorted(), WAIT).toEqual([`${webhookId} dlv.1`, `${webhookId} dlv.2`]);
	});

	it("of one project wait when it has its share of the room, and those of others do not", async () => {
		const [a, b] = await start(2);
		const [flood, other] = [makeProject(), makeProject()];
		const [floodRelay, otherRelay] = [await makeRelay(flood), await makeRelay(other)];
		let written = 0;
		const mib = 1_024 * 1_024;
		for (let n = 0; n < 40; n++) {
			void b!.wire.relays.announce(request(floodRelay, flood, n, mib), true).then(() => written++);
		}
		await b!.wire.relays.announce(request(otherRelay, other, 1, mib), true);
		await expect.poll(() => written, WAIT).toBe(23);
		expect(await database.count("relay_requests")).toBe(24);
		const offered = offeredTo(a!.wire.relays);
		for (const id of [floodRelay, otherRelay]) await a!.wire.relays.hold(id, await openStream(id));
		await expect.poll(() => offered, WAIT).toContain(`${otherRelay} dlv.1`);
		for (let n = 0; n < 40; n++) await b!.wire.relays.withdraw({ webhookId: floodRelay, requestId: `dlv.${n}` });
		await expect.poll(() => database.count("relay_requests"), WAIT).toBe(1);
	});
});

describe("the room for requests", () => {
	it("is not used up by one project, and is whole again when it is given back", () => {
		const room = new FairRoom(100);
		const take = (projectId: string) => Array.from({ length: 100 }).filter(() => room.take(projectId, 1)).length;
		expect([take("a"), take("b"), take("c")]).toEqual([75, 18, 5]);
		room.giveBack("a", 75);
		expect(take("d")).toBe(57);
		expect(room.take("e", 101)).toBe(false);
		const whole = new FairRoom(100);
		expect([whole.take("a", 100), whole.take("b", 1)]).toEqual([true, false]);
	});

	it("is given to projects in turn", () => {
		const all = ["a1", "a2", "a3", "b1", "c1", "c2"];
		let left = 5;
		expect(
			inTurn(
				all,
				([project = ""]) => project,
				() => left-- > 0,
			),
		).toEqual(["a1", "b1", "c1", "a2", "c2"]);
	});
});
