// One journey on a terminal: a question with choices. The others: terminal.all.test.ts.
import { expect, it } from "vitest";

import { KEYS, pty, Terminal } from "./support/terminal.ts";
import { World } from "./support/world.ts";

it.skipIf(typeof pty === "string")("asks for what is missing, with choices to pick from", async () => {
	await using world = await World.start();
	for (const name of ["first choice", "second choice"])
		await world.json`webhooks create http://127.0.0.1:9/ --name ${name}`;
	await using terminal = new Terminal(["webhooks", "pause"], world.scriptEnv);
	await terminal.shows(/Which webhook\?[^]*second choice[^]*first choice/);
	terminal.type(`${KEYS.down}${KEYS.enter}`);
	expect(await terminal.ended()).toBe(0);
	expect(await world.json`webhooks list --q choice`).toMatchObject([{ status: "Enabled" }, { status: "Paused" }]);
});
