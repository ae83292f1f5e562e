// The wire with NATS beside PostgreSQL: its contract, what becomes of messages that are lost, late, doubled or foreign, and signals.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { eventually } from "@fanfare/testkit/eventually";
import { natsIssue, startNats, type NatsServer } from "@fanfare/testkit/programs/nats";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

import { createIdMaker } from "../../core/ids.ts";
import { fillStore } from "../../ports/contract/store/records/records.ts";
import { wireContract } from "../../ports/contract/wire.contract.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Store } from "../../ports/store/store.ts";
import type { Place } from "../../ports/tenure.ts";
import { describeOnPostgres } from "../postgres/test/on-postgres.ts";
import { listener, TestMembers, type TestMember } from "../postgres/test/test-member.ts";
import { changeProject } from "../postgres/test/test-store.ts";
import { systemChance } from "../system/system-chance.ts";
import { systemClock } from "../system/system-clock.ts";
import { Pack } from "./hints.ts";
import { Nats } from "./nats-wire.ts";
import { Seal } from "./seal.ts";

const ids = createIdMaker(systemChance);
const KEY = Buffer.from("the key of the members of a test");
/** Of a process that is no member. */
const strange = { credentials: null, name: "strange", prefix: "fanfare", masterKey: KEY, clock: systemClock };

function delivery(changes: Partial<LeasedDelivery> = {}): LeasedDelivery {
	return {
		id: ids.make("dlv", Date.now()),
		projectId: "proj_1",
		webhookId: "webhook_1",
		eventId: ids.make("evt", Date.now()),
		eventType: "a.b",
		trigger: "auto",
		attemptCount: 0,
		leaseUntil: Date.now() + 120_000,
		createDate: Date.now(),
		body: Buffer.from("{}"),
		traceparent: null,
		...changes,
	};
}

function comparable({ body, ...rest }: LeasedDelivery) {
	return { ...rest, body: createHash("sha256").update(body).digest("hex") };
}

describeOnPostgres("members with NATS", { otherIssue: natsIssue() }, (database) => {
	// They take as long for a note as they need on a busy machine.
	const members = new TestMembers({ tellMs: DEADLINE_MS });
	let nats: NatsServer;
	let store: Store;
	beforeAll(async () => {
		nats = await startNats();
	});
	afterAll(() => nats?.[Symbol.asyncDispose]());
	beforeEach(async () => {
		({ store } = await fillStore(await database.openEmpty()));
	});
	afterEach(() => members.close());

	const placeOf = ({ memberId }: TestMember): Place => ({ member: memberId() ?? "", epoch: 1 });
	const start = async (count: number): Promise<TestMember[]> => {
		const opened = await members.start(count, database.url, nats.url);
		await hearEachOther(opened);
		return opened;
	};
	const hearEachOther = async (all: readonly TestMember[]) => {
		await eventually("the members to hear each other", () =>
			all.every(({ wire }) => all.every((other) => wire.reaches(placeOf(other), 2))),
		);
	};

	wireContract({
		name: "NATS and PostgreSQL",
		open: async (count) => (await start(count)).map((member) => ({ wire: member.wire, place: placeOf(member) })),
		change: () => changeProject(store),
	});

	/** Two members. What the second one is handed, and how often it is told that it may have missed something. */
	const startTwo = async () => {
		const [a, b] = await start(2);
		if (a === undefined || b === undefined) throw new Error("two members were not started");
		const handed: LeasedDelivery[] = [];
		let missed = 0;
		b.wire.listen(
			listener({ handedOver: (_place, each) => void handed.push(each), handOffsMissed: () => void missed++ }),
		);
		return { a, b, handed, missed: () => missed };
	};
	/** It does not beat any more, nor look who has not beaten lately: on a busy machine, it would miss somebody while the test counts. */
	const lookForNobody = ({ clock }: TestMember) => clock.freeze({ fromMs: 400 });
	/** A connection that may do everything. */
	const anybody = async (use: (connection: NatsConnection) => Promise<void>) => {
		const { host, username, password } = new URL(nats.openUrl);
		const connection = await connect({ servers: host, user: username, pass: password });
		try {
			await use(connection);
		} finally {
			await connection.close();
		}
	};

	it("sends what is handed off in one turn in few messages, with the body of an event once", async () => {
		const { a, b, handed } = await startTwo();
		await anybody(async (connection) => {
			const sizes: number[] = [];
			connection.subscribe("fanfare.hints.>", { callback: (_error, { data }) => void sizes.push(data.length) });
			await connection.flush();
			const fan = { eventId: ids.make("evt", Date.now()), createDate: Date.now(), body: Buffer.alloc(100_000, "x") };
			const all = [
				...Array.from({ length: 50 }, () => delivery(fan)),
				...Array.from({ length: 30 }, () => delivery({ body: Buffer.alloc(20_000, "y") })),
			];
			for (const each of all) a.wire.handOff(placeOf(b), each);
			await eventually("all to come", () => handed.length === all.length);
			// Comparing bodies byte by byte would take longer than a tenure.
			expect(handed.map(comparable)).toEqual(all.map(comparable));
			await eventually("the messages to be seen", () => sizes.length === 2);
			expect(Math.max(...sizes)).toBeLessThan(500_000);
		});
		// If this process was busy, they have not heard each other for a while.
		await hearEachOther([a, b]);
		expect(a.wire.reaches(placeOf(b), 400_000)).toBe(true);
		expect(a.wire.reaches(placeOf(b), 400_001)).toBe(false);
	});

	it("takes nothing that is foreign, garbled or for another member, and no hint twice", async () => {
		const { a, b, handed, missed } = await startTwo();
		const c = members.open(database.url, "all", nats.url);
		await c.tenure.start();
		await hearEachOther([a, b, c]);
		const place = placeOf(b);
		const [own, other] = [`fanfare.hints.${place.member}`, `fanfare.hints.${placeOf(c).member}`];
		await anybody(async (connection) => {
			const seen: Uint8Array[] = [];
			connection.subscribe(own, { callback: (_error, { data }) => void seen.push(new Uint8Array(data)) });
			await connection.flush();
			a.wire.handOff(place, delivery());
			await eventually("the hint to come", () => handed.length === 1 && seen.length === 1);
			const hint = seen[0]!;
			const garbled = hint.slice();
			garbled[20]! ^= 1;
			const pack = new Pack();
			pack.add(1, delivery());
			const foreign = new Seal(Buffer.from("another key")).close(own, pack.parts({ from: "x", number: 1, beat: 1 }));
			const before = b.nats!.counts().refused;
			const sent = [garbled, foreign, new Uint8Array(3), Buffer.from("{}"), hint, hint];
			lookForNobody(b);
			const told = missed();
			for (const message of sent) connection.publish(own, message);
			connection.publish(other, hint);
			for (const subject of ["beats", "signals"]) connection.publish(`fanfare.${subject}`, hint);
			// The server has all of it before the next hint, which comes on another connection.
			await connection.flush();
			a.wire.handOff(place, delivery());
			await eventually("the next hint to come", () => handed.length === 2);
			expect(b.nats!.counts().refused).toBe(before + 6);
			// The two that came again.
			expect(b.nats!.counts()).toMatchObject({ late: 2, received: { hints: 4 }, handedOver: 2 });
			expect(a.nats!.counts()).toMatchObject({ sent: { hints: 2 }, handedOff: 2, late: 0 });
			// Nothing seems to be lost.
			expect(missed()).toBe(told);
			await eventually("the other member to refuse it", () => (c.nats?.counts().refused ?? 0) >= 3);
			expect(c.nats?.counts().handedOver).toBe(0);
		});
	});

	it("notices hints that are lost, by the next hint or by a beat, and takes none that comes later", async () => {
		const { a, b, handed, missed } = await startTwo();
		const member = placeOf(b).member;
		const subject = `fanfare.hints.${member}`;
		const seal = new Seal(KEY);
		const beats: { from: string; number: number }[] = [];
		await anybody(async (connection) => {
			connection.subscribe("fanfare.beats", {
				callback: (_error, { data }) => {
					const beat = JSON.parse(seal.open("fanfare.beats", data)!.toString()) as { from: string; number: number };
					if (beat.from === member) beats.push(beat);
				},
			});
			await eventually("a beat", () => beats.length > 0);
			lookForNobody(b);
			const send = (number: number, beat = beats.at(-1)!.number) => {
				const pack = new Pack();
				pack.add(1, delivery({ webhookId: `webhook_${number}` }));
				connection.publish(subject, seal.close(subject, pack.parts({ from: "somebody", number, beat })));
			};
			const told = missed();
			for (const number of [1, 2, 5, 3, 4, 5, 6]) send(number);
			await eventually("the last one to come", () => handed.length === 4);
			expect(handed.map(({ webhookId }) => webhookId)).toEqual([1, 2, 5, 6].map((n) => `webhook_${n}`));
			expect(missed()).toBe(told + 1);
			const ahead = Buffer.from(JSON.stringify({ from: "somebody", number: 1, sent: { [member]: 8 } }));
			connection.publish("fanfare.beats", seal.close("fanfare.beats", [ahead]));
			await eventually("the beat to be heard", () => missed() === told + 2);
			for (const number of [7, 8, 9]) send(number);
			await eventually("one more", () => handed.length === 5);
			// Sent after a beat that nobody knows: it may be of any age.
			send(10, beats.at(-1)!.number - 1_000);
			send(11);
			await eventually("the last one", () => handed.length === 6);
			expect(handed.at(-1)?.webhookId).toBe("webhook_11");
			expect(missed()).toBe(told + 3);
		});
		expect(a.problems).toEqual([]);
	});

	it("hands nothing off while NATS is away, comes back with it, and then looks for what was lost", async () => {
		const { a, b, handed, missed } = await startTwo();
		await nats.kill();
		const areUp = () => [a, b].map((each) => each.nats!.counts().isUp);
		await eventually("the members to notice", () => !a.wire.reaches(placeOf(b), 2) && !areUp().includes(true));
		const { unsent } = a.nats!.counts();
		a.wire.handOff(placeOf(b), delivery());
		await eventually("it to be counted as not sent", () => a.nats!.counts().unsent > unsent);
		expect(a.nats!.counts()).toMatchObject({ isUp: false, server: null, sent: { hints: 0 } });
		// They may connect again before this process knows that NATS has started.
		const told = missed();
		await nats.start();
		await hearEachOther([a, b]);
		expect(missed()).toBeGreaterThan(told);
		expect(handed).toEqual([]);
		a.wire.handOff(placeOf(b), delivery());
		await eventually("a hand-off", () => handed.length === 1);
		expect(a.notes).toEqual(["NATS is up", "NATS is away", "NATS is up"]);
	});

	it("hands nothing off to a member whose beats it does not hear, nor while it does not hear itself", async () => {
		const { a, b } = await startTwo();
		b.clock.freeze();
		await eventually("the silence to be noticed", () => !a.wire.reaches(placeOf(b), 2));
		expect(a.nats!.counts().isUp).toBe(true);
		b.clock.resume();
		await hearEachOther([a, b]);
		nats.suspend();
		await eventually("the silence to be noticed", () => !a.wire.reaches(placeOf(b), 2) && !a.nats!.counts().isUp);
		nats.resume();
		await hearEachOther([a, b]);
	});

	it("confirms changes and notes at once, since a signal tells the others to look", async () => {
		const { a, b } = await startTwo();
		const reads: number[] = [];
		b.wire.follow((_project, version) => {
			reads.push(version);
			return Promise.resolve();
		});
		// It does not look by itself any more. Two looks that signals ask for are some milliseconds apart.
		b.clock.freeze({ fromMs: 100 });
		const { projectId, version } = await changeProject(store);
		await a.wire.changed(projectId, version);
		expect(reads).toEqual([version]);
		const { server, sent } = a.nats!.counts();
		expect(server).toBe(new URL(nats.url).host);
		expect(sent.looks).toBeGreaterThan(0);
		expect(sent.beats).toBeGreaterThan(0);
		expect(b.nats!.counts().received.looks).toBeGreaterThan(0);
		// It has said that it has read it.
		expect(a.nats!.counts().received.answers).toBeGreaterThan(0);
		expect(await a.wire.tell(placeOf(b), { kind: "due", webhookId: "webhook_1", at: 1 })).toBe("done");
		b.clock.resume();
	});

	it("works some time after its user was allowed what it needs", async () => {
		const users = (subject: string) => [
			`authorization { users = [{ user = u, password = p, permissions = { publish = "${subject}", subscribe = "${subject}" } }] }`,
		];
		await using own = await startNats({ users: users("elsewhere.>") });
		const told: boolean[] = [];
		let passedMs = 0;
		const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs };
		const servers = [`nats://u:p@${new URL(own.url).host}`];
		const refused = new Nats({ ...strange, servers, clock, changed: (isUp) => void told.push(isUp) });
		refused.wire({ listen() {} } as never, () => "member");
		refused.start();
		try {
			await eventually("it to be refused", () => told.at(-1) === false);
			own.allow(users("fanfare.>"));
			// The server may read what it allows only after another try.
			await eventually("it to be allowed", () => {
				passedMs += 10_000;
				return told.at(-1) === true;
			});
		} finally {
			await refused.close();
		}
	});

	it("misses nothing by trying in vain to connect, however often", async () => {
		const tries: Socket[] = [];
		await using server = createServer((socket) => void tries.push(socket.destroy()));
		await once(server.listen(0, "127.0.0.1"), "listening");
		const { port } = server.address() as AddressInfo;
		const lonely = new Nats({ ...strange, servers: [`nats://127.0.0.1:${port}`], changed() {} });
		lonely.start();
		try {
			await eventually("three tries", () => tries.length >= 3);
			expect(lonely.counts()).toMatchObject({ isUp: false, missed: 0 });
		} finally {
			await lonely.close();
		}
	});

	it.each([
		["does not allow its subjects", "elsewhere", "nats", /Permissions Violation for Subscription to "elsewhere/i],
		["has no TLS although the URL asks for it", "fanfare", "tls", /does not support .tls/],
	])("says so if the server %s", async (_what, prefix, scheme, reason) => {
		const told: string[] = [];
		const refused = new Nats({
			...strange,
			servers: [nats.url.replace("nats", scheme)],
			prefix,
			changed: (isUp, why) => void told.push(`${isUp} ${why instanceof Error ? why.message : ""}`),
		});
		refused.start();
		try {
			await eventually("it to be refused", () => told.some((each) => each.startsWith("false")));
			expect(told.at(-1)).toMatch(reason);
			expect(refused.counts().isUp).toBe(false);
		} finally {
			await refused.close();
		}
	});
});
