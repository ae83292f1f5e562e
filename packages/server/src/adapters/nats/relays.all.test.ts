// Relays between members with NATS: signals make requests, answers and clients known at once, and change nothing but time.
import { eventually } from "@fanfare/testkit/eventually";
import { natsIssue, startNats, type NatsServer } from "@fanfare/testkit/programs/nats";
import { connect } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

import { createIdMaker, makeProjectId } from "../../core/ids.ts";
import { relayWireContract } from "../../ports/contract/relay-wire.contract.ts";
import type { RelayedOutcome, RelayedRequest, RelayWire } from "../../ports/relay-wire.ts";
import type { Store } from "../../ports/store/store.ts";
import { describeOnPostgres } from "../postgres/test/on-postgres.ts";
import { TestMembers, type TestMember } from "../postgres/test/test-member.ts";
import { systemChance } from "../system/system-chance.ts";
import { Seal } from "./seal.ts";

const WAIT = { interval: 20 };
const ids = createIdMaker(systemChance);
const KEY = Buffer.from("the key of the members of a test");
/** How often a member looks for what concerns relays if nobody tells it. */
const LOOK_MS = 200;
const OUTCOME = { responseCode: 204, error: null, reason: null, detail: null, cause: null } as const;
const ENDED: RelayedOutcome = { ...OUTCOME, firstByteMs: null, connection: null, response: null };

describeOnPostgres("relays of members with NATS", { otherIssue: natsIssue() }, (database) => {
	const members = new TestMembers();
	let nats: NatsServer;
	let store: Store;
	beforeAll(async () => {
		nats = await startNats();
	});
	afterAll(() => nats?.[Symbol.asyncDispose]());
	beforeEach(async () => {
		store = await database.openEmpty();
	});
	afterEach(() => members.close());

	const hearEachOther = async (all: readonly TestMember[]) => {
		const places = all.map(({ memberId }) => ({ member: memberId() ?? "", epoch: 1 }));
		await eventually("the members to hear each other", () =>
			all.every(({ wire }) => places.every((place) => wire.reaches(place, 2))),
		);
	};
	const start = async () => {
		const started = (await members.start(3, database.url, nats.url)) as [TestMember, TestMember, TestMember];
		await hearEachOther(started);
		return started;
	};
	const makeRelay = async (projectId: string) => {
		const webhookId = ids.make("webhook", 1_800_000_000_000);
		const relay = {
			webhookId,
			projectId,
			customerId: null,
			device: webhookId,
			mirrorOf: null,
			epoch: 0,
			seenDate: 5,
		};
		await store.putRelay(relay);
		return webhookId;
	};
	const openStream = async (webhookId: string) => (await store.holdRelay(webhookId, 5)) ?? 0;

	relayWireContract({
		name: "NATS and PostgreSQL",
		open: async () => (await start()).map(({ wire }) => wire.relays),
		makeRelay,
		openStream,
	});

	/** Three members, and what each is told; the first one has the client of a relay. */
	const startWithClient = async () => {
		const all = await start();
		const told = all.map(({ wire }) => listen(wire.relays));
		const [a, b, c] = all.map(({ wire }) => wire.relays) as [RelayWire, RelayWire, RelayWire];
		const projectId = makeProjectId(systemChance);
		const webhookId = await makeRelay(projectId);
		const epoch = await openStream(webhookId);
		await a.hold(webhookId, epoch);
		const key = (number: number) => ({ webhookId, requestId: `dlv.${number}` });
		const request = (number: number): RelayedRequest => ({
			...key(number),
			projectId,
			deliveryId: null,
			eventId: "evt",
			attemptNumber: 1,
			trigger: "auto",
			headers: new Uint8Array(3),
			body: new Uint8Array(10),
			timeoutMs: 30_000,
		});
		const isTold = (member: number, what: string) => expect.poll(() => told[member], WAIT).toContain(what);
		return { all, told, a, b, c, webhookId, epoch, key, request, isTold };
	};

	it("are told at once of requests, their ends and their clients", async () => {
		const { all, a, b, c, webhookId, epoch, key, request, isTold } = await startWithClient();
		// None of them looks by itself.
		for (const { clock } of all) clock.freeze({ fromMs: LOOK_MS, toMs: LOOK_MS });
		await b.announce(request(1), true);
		await isTold(0, "offered dlv.1");
		await c.answer(key(1), ENDED);
		await isTold(1, "answer dlv.1");
		await b.withdraw(key(1));
		await isTold(0, "closed dlv.1");
		await b.announce(request(2), true);
		await isTold(0, "offered dlv.2");
		await a.end(key(2), epoch, "silence", ENDED);
		await isTold(1, "silence dlv.2");
		await b.withdraw(key(2));
		await b.announce(request(3), true);
		await isTold(0, "offered dlv.3");
		const newer = await openStream(webhookId);
		await c.hold(webhookId, newer);
		await isTold(0, "replaced");
		await isTold(2, "offered dlv.3");
		await isTold(1, "held");
		await a.leave(webhookId, epoch);
		await c.leave(webhookId, newer);
		await isTold(1, "not held");
	});

	it("lose nothing if signals are lost, and take nothing twice if they come late, doubled or from strangers", async () => {
		const { all, told, b, c, key, request, isTold } = await startWithClient();
		nats.suspend();
		await b.announce(request(1), true);
		await isTold(0, "offered dlv.1");
		await c.answer(key(1), ENDED);
		await isTold(1, "answer dlv.1");
		await b.withdraw(key(1));
		await isTold(0, "closed dlv.1");
		nats.resume();
		await hearEachOther(all);
		const { host, username, password } = new URL(nats.openUrl);
		const connection = await connect({ servers: host, user: username, pass: password });
		const refused = () => all.map((member) => member.nats!.counts().refused);
		const before = refused();
		const subject = "fanfare.signals";
		const signal = Buffer.from(JSON.stringify(["somebody", "relays"]));
		const foreign = new Seal(Buffer.from("another key")).close(subject, [signal]);
		const garbled = new Seal(KEY).close(subject, [Buffer.from("relays")]);
		await b.announce(request(2), true);
		for (let n = 0; n < 100; n++) connection.publish(subject, new Seal(KEY).close(subject, [signal]));
		for (const message of [foreign, garbled]) connection.publish(subject, message);
		await connection.flush();
		await connection.close();
		await eventually("the foreign ones to be refused", () =>
			refused().every((count, index) => count >= before[index]! + 2),
		);
		await isTold(0, "offered dlv.2");
		await c.answer(key(2), ENDED);
		await isTold(1, "answer dlv.2");
		await b.withdraw(key(2));
		await isTold(0, "closed dlv.2");
		const ofRequests = told[0]!.filter((each) => each.includes("dlv"));
		expect(ofRequests).toEqual(["offered dlv.1", "closed dlv.1", "offered dlv.2", "closed dlv.2"]);
		expect(all.flatMap(({ problems }) => problems)).toEqual([]);
	});
});

/** What a member is told, as texts. */
function listen(wire: RelayWire): string[] {
	const told: string[] = [];
	wire.listen({
		ended: ({ requestId }, end) => told.push(`${end} ${requestId}`),
		heldElsewhere: (_webhookId, isHeld) => told.push(isHeld ? "held" : "not held"),
		offered: ({ requestId }) => told.push(`offered ${requestId}`),
		closed: ({ requestId }) => told.push(`closed ${requestId}`),
		replaced: () => told.push("replaced"),
		returned: () => told.push("returned"),
	});
	return told;
}
