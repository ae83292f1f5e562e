// Stats as bytes: what is encoded is decoded, and nothing else is.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { StoreError } from "../../../ports/store/errors.ts";
import {
	addCauseBytes,
	addLatencyBytes,
	decodeEntry,
	encodeCauses,
	encodeEntry,
	encodeLatency,
} from "./stats-bytes.ts";
import { addLatency, COUNT_COUNT, emptyStats, StatsSums } from "./stats-sums.ts";

const MINUTE = 60_000;
const owner = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 50 }));
const above0 = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 50 }));
const change = fc.oneof(
	fc.constant(0),
	fc.integer({ min: -200, max: 200 }),
	fc.integer({ min: -(2 ** 50), max: 2 ** 50 }),
);
const histogram = fc.uniqueArray(fc.tuple(fc.nat({ max: 110 }), above0), { selector: ([bucket]) => bucket });
const counts = fc.array(change, { minLength: COUNT_COUNT, maxLength: COUNT_COUNT });
/** Webhooks with equal counts beside each other, as when an event goes to many; some of them with latencies. */
const run = fc.tuple(
	fc.array(
		fc.tuple(
			owner,
			fc.option(histogram, { freq: 2 }),
			fc.option(histogram, { freq: 2 }),
			fc.oneof(fc.constant(0), owner),
		),
		{ minLength: 1, maxLength: 4 },
	),
	counts,
);
const minute = fc.tuple(fc.nat({ max: 2 ** 31 }), fc.array(fc.tuple(owner, above0)), fc.array(run, { maxLength: 4 }));
const stored = fc.array(fc.tuple(owner, change), { maxLength: 4 });
const entry = fc.tuple(fc.array(minute, { maxLength: 3 }), stored).map(([minutes, stored]) => {
	const sums = new StatsSums();
	for (const [project, bytes] of stored) sums.stored.set(project, bytes);
	for (const [number, projects, runs] of minutes) {
		const at = sums.at(number * MINUTE);
		for (const [project, accepted] of projects) at.projects.set(project, accepted);
		for (const [webhooks, counts] of runs) {
			for (const [webhook, latency, causes, lastAttempt] of webhooks) {
				const maps = { latency: latency && new Map(latency), causes: causes && new Map(causes) };
				at.webhooks.set(webhook, { counts: [...counts], ...maps, lastAttempt });
			}
		}
	}
	return sums;
});

/** The sums in a form that can be compared. No latencies or causes are the same as empty counts. */
function plain(sums: StatsSums) {
	const minutes = new Map(
		[...sums.minutes].map(([start, { webhooks, projects }]) => [
			start,
			{
				projects,
				webhooks: new Map(
					[...webhooks].map(([id, { counts, latency, causes, lastAttempt }]) => [
						id,
						[counts, latency ?? new Map(), causes ?? new Map(), lastAttempt],
					]),
				),
			},
		]),
	);
	return { minutes, stored: sums.stored };
}

/** Whether a call throws the error for damaged stats, which says what to do. */
function isRefused(call: () => unknown): boolean {
	try {
		call();
		return false;
	} catch (error) {
		return error instanceof StoreError && /are damaged.*restore the data directory/.test(error.message);
	}
}

describe("an entry of the journal", () => {
	it("is decoded as it was encoded", () => {
		fc.assert(
			fc.property(entry, (sums) => {
				expect(plain(decodeEntry(encodeEntry(sums)))).toEqual(plain(sums));
			}),
		);
	});

	it("is refused if it is cut off anywhere, or goes on after its end", () => {
		fc.assert(
			fc.property(entry, (sums) => {
				const bytes = encodeEntry(sums);
				const lengths = Array.from(bytes.keys());
				expect(lengths.filter((length) => !isRefused(() => decodeEntry(bytes.subarray(0, length))))).toEqual([]);
				expect(isRefused(() => decodeEntry(Buffer.concat([bytes, Buffer.of(0)])))).toBe(true);
			}),
			{ numRuns: 30 },
		);
	});

	it("is refused if its version, its counts, its numbers or its owners are unknown", () => {
		// One minute without projects, and a run of webhook 1 whose counts are all 0.
		const withMask = (...mask: number[]) => Uint8Array.of(1, 1, 5, 0, ...mask, 0, 2, 0, 0);
		expect(plain(decodeEntry(withMask(1))).minutes).toMatchObject(
			new Map([[5 * MINUTE, { webhooks: new Map([[1, {}]]) }]]),
		);
		const unknown = {
			counts: withMask(0x81, 32),
			version: Uint8Array.of(5, 0),
			number: Uint8Array.of(1, ...Array<number>(8).fill(0xff), 0),
			project: Uint8Array.of(1, 1, 5, 1, 1, 0, 0),
			webhook: Uint8Array.of(1, 1, 5, 0, 1, 0, 4, 3, 0, 0),
			json: Buffer.from('[{"minute":60000'),
		};
		for (const [name, bytes] of Object.entries(unknown))
			expect([name, isRefused(() => decodeEntry(bytes))]).toEqual([name, true]);
	});

	it("takes 1 byte for each webhook that an event goes to, if their numbers follow each other, and 19 for the rest", () => {
		const sums = new StatsSums();
		const { webhooks, projects } = sums.at(29_833_333 * MINUTE);
		projects.set(7, 1);
		for (let webhook = 1; webhook <= 3_000; webhook++) {
			webhooks.set(webhook, { ...emptyStats(), counts: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0] });
		}
		sums.stored.set(7, 1_000);
		expect(encodeEntry(sums)).toHaveLength(3_000 + 19);
	});

	it("is read as it was written before bytes were counted, and before last attempts and causes were noted", () => {
		const sums = new StatsSums();
		sums.at(5 * MINUTE).projects.set(1, 3);
		const [, ...rest] = encodeEntry(sums);
		expect(plain(decodeEntry(Uint8Array.from([1, ...rest.slice(0, -1)])))).toEqual(plain(sums));
		expect(plain(decodeEntry(Uint8Array.from([2, ...rest])))).toEqual(plain(sums));
		expect(plain(decodeEntry(Uint8Array.from([3, ...rest])))).toEqual(plain(sums));
	});

	it("is not written with a number that no count can have, or with an owner that has no number", () => {
		for (const count of [-1, 0.5, Number.NaN, 2 ** 53]) {
			const sums = new StatsSums();
			sums.at(MINUTE).projects.set(1, count);
			expect(() => encodeEntry(sums)).toThrow(RangeError);
		}
		for (const count of [0.5, Number.NaN, 2 ** 53]) {
			const sums = new StatsSums();
			sums.at(MINUTE).webhooks.set(1, { ...emptyStats(), counts: [count, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
			expect(() => encodeEntry(sums)).toThrow(RangeError);
		}
		for (const owner of [0, -1, 0.5, Number.NaN, 2 ** 53]) {
			const [ofProject, ofWebhook] = [new StatsSums(), new StatsSums()];
			ofProject.at(MINUTE).projects.set(owner, 1);
			ofWebhook.at(MINUTE).webhooks.set(owner, emptyStats());
			expect(() => encodeEntry(ofProject)).toThrow(RangeError);
			expect(() => encodeEntry(ofWebhook)).toThrow(RangeError);
		}
	});
});

describe("counts by cause", () => {
	it("are decoded as they were encoded", () => {
		fc.assert(
			fc.property(histogram, (entries) => {
				const stats = emptyStats();
				addCauseBytes(stats, encodeCauses(new Map(entries)));
				expect(stats.causes ?? new Map()).toEqual(new Map(entries));
			}),
		);
	});
});

describe("a histogram of latencies", () => {
	it("is decoded as it was encoded", () => {
		fc.assert(
			fc.property(histogram, (entries) => {
				const stats = emptyStats();
				addLatencyBytes(stats, encodeLatency(new Map(entries)));
				expect(stats.latency ?? new Map()).toEqual(new Map(entries));
			}),
		);
	});

	it("is refused if it is cut off within a number", () => {
		const stats = emptyStats();
		addLatency(stats, 5, 300);
		const bytes = encodeLatency(stats.latency);
		expect(isRefused(() => addLatencyBytes(emptyStats(), bytes.subarray(0, bytes.length - 1)))).toBe(true);
	});
});
