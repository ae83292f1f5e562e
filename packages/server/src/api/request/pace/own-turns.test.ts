// Turns for what anybody may ask for without a key.
import { expect, it } from "vitest";

import { openTestEngine } from "../../../engine/test/test-engine.ts";
import { testApiOn } from "../../test/test-api.ts";
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

it("refuses to begin while very many wait, and not to go on", async () => {
	const fires: (() => void)[] = [];
	const turns = new OwnTurns({ nextTurn: (fire) => void fires.push(fire) });
	const begun = Array.from({ length: 256 }, () => turns.begin());
	await expect(turns.begin()).rejects.toMatchObject({ code: "overloaded", retryAfterMs: 1_000 });
	const going = turns.take();
	for (let turn = 0; turn <= begun.length; turn++) {
		await new Promise((resolve) => void setImmediate(resolve));
		for (const fire of fires.splice(0)) fire();
	}
	await Promise.all([...begun, going]);
	const later = turns.begin();
	await new Promise((resolve) => void setImmediate(resolve));
	for (const fire of fires.splice(0)) fire();
	await later;
});

it("renders the metrics once for all who ask while somebody waits for them", async () => {
	await using test = await openTestEngine();
	let renderings = 0;
	const metrics = async () => ({ contentType: "text/plain", text: String(++renderings) });
	const { app } = await testApiOn(test, test.engine.projects.get(test.scope), {}, null, { metrics });
	const asked = await Promise.all(Array.from({ length: 300 }, async () => (await app.request("/metrics")).text()));
	expect(new Set(asked)).toEqual(new Set(["1", "2"]));
});
