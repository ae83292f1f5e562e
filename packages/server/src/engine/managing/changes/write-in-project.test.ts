// New objects of a project whose deletion is in the store, but not yet in the directory.
import { expect, it } from "vitest";

import { openTestEngine, type TestEngine } from "../../test/test-engine.ts";

const writes: Readonly<Record<string, (test: TestEngine) => Promise<unknown>>> = {
	webhook: (test) => test.createWebhook("http://127.0.0.1:9/"),
	key: ({ engine, projectId }) => engine.keys.create({ name: "late", scope: "write", projectId }, null),
	"event type": ({ engine, change }) => {
		const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
		return engine.eventTypes.put(change, "late.type", settings);
	},
};

it.each(Object.entries(writes))("a %s is refused as in a project that does not exist", async (_, write) => {
	await using test = await openTestEngine();
	await test.store.deleteProject(test.projectId, test.clock.now(), null);
	await expect(write(test)).rejects.toMatchObject({ code: "project_not_found" });
});
