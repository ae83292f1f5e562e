// The contract of a wire. The test of an adapter is a few lines that run it.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { createIdMaker } from "../../core/ids.ts";
import type { LeasedDelivery } from "../store/queue.ts";
import type { Place } from "../tenure.ts";
import type { DiscardNote, OwnerNote, SessionChanges, Wire, WireListener } from "../wire.ts";

/** A process on a wire. */
export interface WireMember {
	readonly wire: Wire;
	/** A place of this process, as other processes name it. */
	readonly place: Place;
}

export interface WireContractOptions {
	/** Names the adapter in the titles of the tests. */
	readonly name: string;
	/** Connects this many processes on a new wire. */
	readonly open: (members: number) => Promise<readonly WireMember[]>;
	/** How many processes the wire can connect: 1 if it is for a process that runs alone. Defaults to any number. */
	readonly maxMembers?: number;
	/** Changes the directory of a project in the store of the wire, if the wire looks there. Returns its new version. */
	readonly change?: () => Promise<{ readonly projectId: string; readonly version: number }>;
	readonly close?: () => Promise<void>;
}

const ids = createIdMaker(systemChance);
const NOWHERE: Place = { member: "gone", epoch: 3 };

/**
 * Runs the suite. Each test gets a new wire.
 *
 * @example
 * wireContract({ name: "alone", open: () => Promise.resolve([{ wire: createAloneWire(), place }]), maxMembers: 1 });
 */
export function wireContract(options: WireContractOptions): void {
	const { name, open, close, maxMembers = Infinity } = options;
	const change = options.change ?? (() => Promise.resolve({ projectId: "proj_1", version: 7 }));
	describe(`the ${name} wire`, () => {
		afterEach(() => close?.());
		describe("of one process", () => {
			describeOne(async () => (await open(1))[0]!);
		});
		// Skipped for the wire of a process that runs alone, which connects nobody.
		describe.skipIf(maxMembers < 3)("between processes", () => {
			describeSeveral(() => open(3), change);
		});
	});
}

function describeOne(openOne: () => Promise<WireMember>): void {
	let member: WireMember;
	let listener: RecordingListener;
	beforeEach(async () => {
		member = await openOne();
		listener = new RecordingListener();
		member.wire.listen(listener);
	});

	it("knows of nobody who lacks a change", async () => {
		const reads: unknown[] = [];
		member.wire.follow((...change) => {
			reads.push(change);
			return Promise.resolve();
		});
		await member.wire.changed("proj_1", 7);
		await member.wire.changed(null, 8);
		member.wire.made("proj_1", 9);
		await member.wire.sessionsEnded();
		await member.wire.catchUp();
		expect(reads).toEqual([]);
	});

	it("loses what is meant for a process that is gone, without an error", async () => {
		member.wire.handOff(NOWHERE, delivery());
		await member.wire.tellAll({ kind: "discard many", deliveryIds: ["dlv_1"], eventId: null });
		expect(await member.wire.tell(NOWHERE, { kind: "due", webhookId: "webhook_1", at: 5 })).toBe("unreachable");
		expect(listener.received).toEqual([]);
	});
}

function describeSeveral(
	openThree: () => Promise<readonly WireMember[]>,
	change: NonNullable<WireContractOptions["change"]>,
): void {
	let members: readonly WireMember[];
	let listeners: readonly RecordingListener[];
	beforeEach(async () => {
		members = await openThree();
		listeners = members.map(({ wire }) => {
			const listener = new RecordingListener();
			wire.listen(listener);
			return listener;
		});
	});

	it("hands deliveries to the process of their place and to no other, with all their data", async ({ skip }) => {
		if (!members[0]!.wire.handsOff) return skip("this wire hands nothing off");
		const handed = [delivery(), delivery([0, 255, 10, 13])];
		const { place } = members[1]!;
		for (const one of handed) members[0]!.wire.handOff(place, one);
		await expect.poll(() => listeners[1]!.received).toHaveLength(2);
		expect(listeners[1]!.received).toEqual(handed.map((one) => [place, one]));
		expect(listeners[0]!.received).toEqual([]);
		expect(listeners[2]!.received).toEqual([]);
	});

	it("tells a note to the process of a place, and says that it was heard", async () => {
		const note: OwnerNote = { kind: "due", webhookId: "webhook_1", at: 1 };
		expect(await members[2]!.wire.tell(members[0]!.place, note)).toBe("done");
		expect(listeners.map(({ received }) => received)).toEqual([[note], [], []]);
	});

	it("tells all others a note, and a process many notes, each once and in their order", async () => {
		const deliveryIds = ["dlv_1", "dlv_2"];
		const note: DiscardNote = { kind: "discard many", deliveryIds, eventId: "evt_1" };
		await members[2]!.wire.tellAll(note);
		expect(listeners.map(({ received }) => received)).toEqual([[note], [note], []]);
		const many = Array.from({ length: 2_500 }, (_, at): OwnerNote => ({ kind: "due", webhookId: "webhook_1", at }));
		const { place } = members[0]!;
		const answers = await Promise.all(many.map((each) => members[1]!.wire.tell(place, each)));
		expect(new Set(answers)).toEqual(new Set(["done"]));
		expect(listeners[0]!.received.slice(1)).toEqual(many);
	});

	it("resolves a change when every other process has read it", async () => {
		const reads: unknown[] = [];
		const { promise: slow, resolve: end } = Promise.withResolvers<void>();
		members[0]!.wire.follow(() => Promise.reject(new Error("a process does not tell itself")));
		for (const index of [1, 2]) {
			members[index]!.wire.follow(async (...change) => {
				reads.push(change);
				if (index === 2) await slow;
			});
		}
		let confirmed = false;
		const { projectId, version } = await change();
		const changing = members[0]!.wire.changed(projectId, version).then(() => (confirmed = true));
		const all = Array.from({ length: 2 }, () => [projectId, version]);
		await expect.poll(() => reads).toEqual(all);
		expect(confirmed).toBe(false);
		end();
		await changing;
	});

	it("lets every other process read a change that nobody waits for", async () => {
		const reads: unknown[] = [];
		members[0]!.wire.follow(() => Promise.reject(new Error("a process does not tell itself")));
		for (const index of [1, 2]) {
			members[index]!.wire.follow((...change) => {
				reads.push(change);
				return Promise.resolve();
			});
		}
		const { projectId, version } = await change();
		members[0]!.wire.made(projectId, version);
		await expect
			.poll(() => reads)
			.toEqual([
				[projectId, version],
				[projectId, version],
			]);
	});
}

function delivery(body: readonly number[] = [123, 125]): LeasedDelivery {
	return {
		id: ids.make("dlv", 1_800_000_000_000),
		projectId: "proj_1",
		webhookId: ids.make("webhook", 1_800_000_000_000),
		eventId: ids.make("evt", 1_800_000_000_000),
		eventType: "a.b",
		trigger: "auto",
		attemptCount: 0,
		leaseUntil: 1_800_000_120_000,
		createDate: 1_800_000_000_000,
		body: Uint8Array.from(body),
		traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	};
}

class RecordingListener implements WireListener {
	readonly received: unknown[] = [];

	handedOver(place: Place, handed: LeasedDelivery): void {
		this.received.push([place, handed]);
	}

	handOffsMissed(): void {}

	noted(note: OwnerNote | DiscardNote): void {
		this.received.push(note);
	}

	sessionsChanged(changes: SessionChanges): void {
		this.received.push(changes);
	}
}
