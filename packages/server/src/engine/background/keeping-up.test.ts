// Which steps of a pass of retention keep up with what is written, and which give way to it.
import { expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { FIRST_VERSION } from "../../core/workspace.ts";
import { Records } from "../../ports/contract/store/records/records.ts";
import { NOTHING_PURGED } from "../../ports/store/retention.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { Retention } from "./retention.ts";

const STEP_MS = 30;
const WRITTEN_PER_MS = 100;

/** A clock whose pauses of background work pass by themselves, and are counted. */
class PassingClock extends ManualClock {
	pauses = 0;

	override after(delayMs: number, fire: () => void): () => void {
		if (delayMs > 100) return super.after(delayMs, fire);
		this.pauses++;
		setImmediate(fire);
		return () => {};
	}
}

/** A pass over projects without anything that has expired, beside sends at their limit. Resolves with its steps, in order. */
async function pass() {
	const clock = new PassingClock();
	const records = new Records();
	const projects = Array.from({ length: 10 }, () => records.project());
	const committer = { waitingSends: 1, writtenRows: 0 };
	const steps: { name: string; rows: number; pausesBefore: number }[] = [];
	const ended = Promise.withResolvers<void>();
	const step = <T>(name: string, result: T, rows = 0): Promise<T> => {
		steps.push({ name, rows, pausesBefore: clock.pauses });
		clock.advance(STEP_MS);
		committer.writtenRows += STEP_MS * WRITTEN_PER_MS;
		return Promise.resolve(result);
	};
	const unused = () => Promise.reject(new Error("not expected"));
	let space = 3;
	let webhooks = 3;
	const store = {
		forgetIdempotencyKeys: unused,
		erasePayload: unused,
		continueErasure: unused,
		erasures: unused,
		probe: unused,
		purgeDeletedProjects: () =>
			Promise.resolve({
				purged: NOTHING_PURGED,
				hasDeleted: false,
				isFull: false,
				after: null,
				done: true,
				left: false,
			}),
		purgeDeletedWebhooks: () => step("webhooks", --webhooks > 0 ? "webhook" : null),
		purgeEvents: () => step("events", { purged: NOTHING_PURGED, after: null, done: true }),
		purgePayloads: () => step("payloads", { purged: NOTHING_PURGED, after: null, done: true }),
		purgeReplays: () => step("replays", null),
		purgeAuditEntries: (_: number, rows: number) => step("audit", 0, rows),
		releaseSpace: () => step("space", space-- > 0 ? 1 : 0),
	};
	const observer = new (class extends RecordingObserver {
		override note(): void {
			ended.resolve();
		}
	})();
	const retention = new Retention(
		{ store, clock, observer },
		{ retentionDays: 30, payloadRetentionDays: null, auditRetentionDays: 365 },
		{
			committer,
			line: { busy: false },
			overwriter: { noteErased: () => {} },
			directory: {
				projects: () => projects,
				project: (id) => projects.find((project) => project.id === id)!,
				versionOf: () => FIRST_VERSION,
			},
		},
	);
	retention.start();
	clock.advance(5_000);
	await ended.promise;
	await retention.stop();
	expect(observer.problems).toEqual([]);
	const pausesAfter = (index: number) => (steps[index + 1]?.pausesBefore ?? clock.pauses) - steps[index]!.pausesBefore;
	return steps.map(({ name, rows }, index) => ({ name, rows, pauses: pausesAfter(index) }));
}

it("only those that delete what is written here keep up with it, and at the end of a pass nothing is owed", async () => {
	const steps = await pass();
	const pausesOf = (name: string) => steps.filter((step) => step.name === name).map(({ pauses }) => pauses);
	expect(pausesOf("webhooks")).toEqual([1, 1, 1]);
	// What was written meanwhile may have to be deleted of the next project.
	expect(pausesOf("events").slice(1)).toEqual(Array.from({ length: 9 }, () => 0));
	const [audit] = steps.filter(({ name }) => name === "audit");
	expect(audit?.rows).toBe(50);
	expect(pausesOf("space")).toEqual([1, 1, 1, 1]);
});
