// Who may call what, over the real engine: the table is made from the OpenAPI document.
import { createApp } from "../src/api/app.ts";
import { accessTable } from "../src/api/test/access-table.ts";
import { openTestEngine } from "../src/engine/test/test-engine.ts";

accessTable("the engine", async () => {
	const { engine, store, projectId } = await openTestEngine();
	const app = createApp({
		engine,
		store,
		metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
		requestLog: () => {},
		version: "test",
	});
	const other = await engine.projects.create("other");
	const key = async (scope: "admin" | "read", project: string | null) =>
		(await engine.keys.create({ name: "test", scope, projectId: project })).secretKey;
	return {
		request: (path, init) => app.request(path, init),
		projectId,
		keys: {
			read: await key("read", null),
			admin: await key("admin", null),
			project: await key("admin", projectId),
			projectRead: await key("read", projectId),
			other: await key("admin", other.id),
		},
	};
});
