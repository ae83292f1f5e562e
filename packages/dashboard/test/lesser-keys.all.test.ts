// What a screen says to somebody whose key may not use it. (That a key that may only read is offered no change is in every-screen.all.test.ts.)
import type { CreateKey } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { pageSuite } from "./suite.ts";

type Scope = CreateKey["scope"];

pageSuite("a key", (world) => {
	it.each<[scope: Scope, ofProject: boolean, path: string, said: string, link: string | null, form: string | null]>([
		["write", false, "audit", "Yours is not one", "Audit log", null],
		["admin", true, "keys?form=new", "Yours is not one", "Keys", "Create a key"],
		["read", true, "system", "Yours is of one project", null, null],
		["write", false, "settings", "Only an admin key of the whole workspace may change them.", null, "Save"],
		["read", false, "webhooks?form=new", "Your key may only read", null, "Add webhook"],
		["read", false, "replays/new", "Your key may only read", null, "Start the replay"],
		["read", false, "inbox", "the Inbox needs the scope write", null, "Open the Inbox"],
	])("with the scope %s (of a project: %s) is told at %s: %s", async (scope, ofProject, path, said, link, form) => {
		const { client, projectId } = world.server;
		const { secretKey } = await client.keys.create({ name: path, scope, ...(ofProject && { projectId }) });
		const { page } = await world.open(path, { key: secretKey });
		await page.getByText(said).waitFor();
		if (link !== null) await expect.poll(() => page.getByRole("link", { name: link }).count()).toBe(0);
		if (form !== null) await expect.poll(() => page.getByRole("button", { name: form }).count()).toBe(0);
		await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
		expect(await page.getByRole("region", { name: "Status" }).count()).toBe(0);
	});
});
