// Turns for what anybody may ask for without a key.
import { expect, it } from "vitest";

import { OwnTurns } from "./own-turns.ts";

it("lets one go on in each turn of the event loop, in the order in which they have asked", async () => {
	const fires: (() => void)[] = [];
	const turns = new OwnTurns({ nextTurn: (fire) => void fires.push(fire) });
	const begun: number[] = [];
	for (const n of [1, 2, 3]) void turns.take().then(() => begun.push(n));
	for (const expected of [[], [1], [1, 2], [1, 2, 3]]) {
		await new Promise((resolve) => void setImmediate(resolve));
		expect(begun).toEqual(expected);
		expect(fires.length).toBeLessThanOrEqual(1);
		for (const fire of fires.splice(0)) fire();
	}
	void turns.take().then(() => begun.push(4));
	await new Promise((resolve) => void setImmediate(resolve));
	for (const fire of fires.splice(0)) fire();
	await new Promise((resolve) => void setImmediate(resolve));
	expect(begun).toEqual([1, 2, 3, 4]);
});
