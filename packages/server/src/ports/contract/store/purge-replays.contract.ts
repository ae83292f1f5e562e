// The contract of deleting replays that have ended.
import { describe, expect, it } from "vitest";

import type { PurgeReplays } from "../../store/retention.ts";
import { attemptsOf, NEWEST, type CurrentStore } from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";

const MANY = 1_000;

export function describePurgeReplays(current: CurrentStore): void {
	describe("replays that have ended", () => {
		/** Some replays, oldest first, of which each ends 10 ms after it was made, or stays Running. */
		const openWorld = async (runs: readonly boolean[]) => {
			const world = await openReplayWorld(current);
			const { store, records, scope, projectId } = world;
			const ids: string[] = [];
			for (const isRunning of runs) {
				const { id } = await world.begin({ until: 1 });
				ids.push(id);
				records.now += 10;
				if (!isRunning) await store.cancelReplay(id, records.now, null);
				records.now += 1_000;
			}
			const left = async (): Promise<number[]> => {
				const { rows } = await store.replays(scope, null, NEWEST);
				return rows.map(({ id }) => ids.indexOf(id)).toReversed();
			};
			const purge = async (options: Pick<PurgeReplays, "before" | "keep">, limit = MANY): Promise<number> => {
				let [after, steps]: [string | null, number] = [null, 0];
				do {
					after = await store.purgeReplays({ projectId, ...options, after, limit });
					steps++;
				} while (after !== null);
				return steps;
			};
			return { ...world, ids, left, purge };
		};

		it("are deleted when they ended before a time; Running ones and other projects' stay", async () => {
			const { store, records, ids, left, purge, scope } = await openWorld([false, true, false, false]);
			const other = records.project();
			await store.insertProject(other, null);
			await store.purgeReplays({ projectId: other.id, before: records.now, keep: 0, after: null, limit: MANY });
			expect(await left()).toEqual([0, 1, 2, 3]);
			const { endDate } = (await store.replay(scope, ids[2] ?? ""))!;
			await purge({ before: null, keep: MANY });
			await purge({ before: endDate! - 5, keep: MANY });
			expect(await left()).toEqual([1, 2, 3]);
			await purge({ before: endDate!, keep: MANY });
			expect(await left()).toEqual([1, 2, 3]);
			await purge({ before: endDate! + 1, keep: MANY });
			expect(await left()).toEqual([1, 3]);
		});

		it("are deleted beyond a number, oldest first", async () => {
			const { left, purge } = await openWorld([false, true, false, false, true, false]);
			await purge({ before: null, keep: 6 });
			expect(await left()).toEqual([0, 1, 2, 3, 4, 5]);
			await purge({ before: null, keep: 3 });
			expect(await left()).toEqual([1, 3, 4, 5]);
			await purge({ before: null, keep: 0 });
			expect(await left()).toEqual([1, 4]);
		});

		it("are deleted in steps", async () => {
			const { left, purge, records } = await openWorld([false, true, false, false, false]);
			expect(await purge({ before: records.now, keep: MANY }, 2)).toBe(3);
			expect(await left()).toEqual([1]);
		});

		it("leave the deliveries that they have made, and their attempts", async () => {
			const world = await openWorld([]);
			const { store, scope, deliver, begin, step, replayed, update, records, projectId } = world;
			await deliver(500);
			const replay = await begin();
			expect(await step(replay)).toMatchObject({ status: "Finished", deliveryCount: 1 });
			const [made] = await replayed();
			await update(records.outcome(made!.id, 1));
			await store.purgeReplays({ projectId, before: records.now + MANY, keep: MANY, after: null, limit: MANY });
			expect(await store.replay(scope, replay.id)).toBeNull();
			expect((await store.delivery(scope, made!.id))?.status).toBe("Succeeded");
			expect(await attemptsOf(world, made!.id)).toHaveLength(1);
		});
	});
}
