// New objects of a project whose deletion is in the store, but not yet in the directory.
import { expect, it } from "vitest";

import { codeOf, NO_SETTINGS, NOBODY } from "../../test/arrangements.ts";
import { openTestEngine, type TestEngine } from "../../test/test-engine.ts";

const writes: Readonly<Record<string, (test: TestEngine) => Promise<unknown>>> = {
	webhook: (test) => test.createWebhook(NOBODY),
	key: ({ engine, projectId }) => engine.keys.create({ name: "late", scope: "write", projectId }, null),
	"event type": ({ engine, change }) => engine.eventTypes.put(change, "late.type", NO_SETTINGS),
};

it.each(Object.entries(writes))("a %s is refused as in a project that does not exist", async (_, write) => {
	await using test = await openTestEngine();
	await test.store.deleteProject(test.projectId, test.clock.now(), null);
	expect(await codeOf(write(test))).toBe("project_not_found");
});
