// Which key may make which call, over the real engine. The table is made from the OpenAPI document.
import { accessTable } from "../src/api/test/access-table.ts";
import { openTestApi } from "./test-api.ts";

accessTable("the engine", async () => {
	const { test, app } = await openTestApi();
	const { engine, projectId } = test;
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
