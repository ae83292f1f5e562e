// The revision of a project's settings over HTTP.
import { expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

it("a change that names the revision of a project is refused if somebody else was faster, and changes nothing", async () => {
	const { call, keys, project } = await caller();
	const path = `/projects/${project.id}`;
	// A client that knows only the fields of Nexus gets only those.
	expect((await call("GET", path)).json).not.toHaveProperty("revision");
	const first = await call("PATCH", path, { name: "First", revision: 1 });
	const { revision } = first.json;
	expect(first).toMatchObject({ status: 200, json: { name: "First" } });
	expect(revision).toBeGreaterThan(1);
	expect((await call("GET", path)).json).toMatchObject({ revision });
	expect((await call("GET", "/projects?q=First", undefined, { "secret-key": keys.read })).json).toMatchObject({
		data: [{ name: "First", revision }],
	});
	const late = await call("PATCH", path, { name: "Late", retentionDays: 3, revision: 1 });
	expect(late).toMatchObject({ status: 409, json: { code: "revision_conflict", issues: [{ path: "revision" }] } });
	const early = await call("PATCH", path, { name: "Early", revision: Number(revision) + 1 });
	expect(early).toMatchObject({ status: 409, json: { code: "revision_conflict" } });
	expect((await call("GET", path)).json).toEqual(first.json);
	const next = await call("PATCH", path, { name: "Next", revision });
	expect(next).toMatchObject({ status: 200, json: { name: "Next" } });
	expect(next.json["revision"]).toBeGreaterThan(Number(revision));
	const unchanged = await call("PATCH", path, { revision: next.json["revision"] });
	expect(unchanged).toMatchObject({ status: 200, json: next.json });
	expect((await call("PATCH", path, {})).json).toEqual(next.json);
	expect((await call("PATCH", path, { name: "In any case" })).status).toBe(200);
	for (const bad of [0, -1, 1.5, "2", null]) {
		const refused = await call("PATCH", path, { name: "Bad", revision: bad });
		expect(refused).toMatchObject({ status: 400, json: { issues: [{ path: "revision" }] } });
	}
});
