// What the server responds while it moves rows of an earlier version to their new form.
import { expect, it } from "vitest";

import { systemClock } from "../adapters/system/system-clock.ts";
import type { RequestLine } from "../ports/log.ts";
import { createUpgradingApp } from "./upgrading-app.ts";

function openApp() {
	const lines: RequestLine[] = [];
	const asked: string[] = [];
	const deps = {
		clock: systemClock,
		requestLog: (line: RequestLine) => void lines.push(line),
		makeRequestId: () => "req_1",
		clientAddress: () => "192.0.2.1",
		bodyRefused: () => undefined,
		portalOrigins: [],
		version: "1.2.3",
		answerPace: {
			take: (owner: string) => (asked.push(owner), null),
			longest: () => Promise.resolve(),
			async probe() {
				asked.push("a probe");
			},
		},
	};
	return { app: createUpgradingApp(deps, () => "42 %", []), asked, lines };
}

it("is alive, but not ready, and says how far the move is", async () => {
	const { app } = openApp();
	const alive = await app.request("/healthz");
	expect([alive.status, await alive.json()]).toEqual([200, { status: "ok", version: "1.2.3" }]);
	const ready = await app.request("/readyz");
	expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("42 %")]);
	const call = await app.request("/projects", { method: "POST" });
	expect([call.status, await call.json()]).toMatchObject([503, { code: "store_unavailable" }]);
});

it("answers probes whoever else asks from the same address, so that no supervisor ends the move", async () => {
	const { app, asked, lines } = openApp();
	for (const path of ["/healthz", "/readyz"]) await app.request(path);
	expect(asked).toEqual(["a probe", "a probe"]);
	expect(lines.map(({ isProbe }) => isProbe)).toEqual([true, true]);
});
