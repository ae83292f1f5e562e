// What commands of resources do after some seconds.
import { expect, it } from "vitest";

import { startProxy } from "./support/proxy.ts";
import { World } from "./support/world.ts";

it("goes on looking whether a replay waits after one look has failed", async () => {
	await using world = await World.start();
	await world.json`events send held.again --data 1`;
	const hook = await world.one`webhooks create http://127.0.0.1:9/ --name again --event-types held.again`;
	const webhook = String(hook["id"]);
	await world.json`webhooks pause again`;
	const replay = await world.id`replays start again --since 1h --event-types held.again --yes`;
	let looks = 0;
	const { promise: lookedTwice, resolve } = Promise.withResolvers<void>();
	await using proxy = await startProxy(world.server.url, (url) => {
		if (!url.endsWith(`/batch/webhooks/${webhook}`)) return null;
		looks++;
		if (looks === 2) resolve();
		return looks === 1 ? 403 : null;
	});
	const waiting = world.run(["replays", "wait", replay], { FANFARE_URL: proxy.url });
	await lookedTwice;
	// The second look sees the webhook as it still is, and its warning comes before the replay can end.
	await proxy.idle();
	await world.server.project.batch.webhooks.resume(webhook);
	const { code, stderr } = await waiting;
	expect([code, stderr]).toEqual([0, expect.stringContaining("The webhook again is Paused, so its replay waits")]);
});
