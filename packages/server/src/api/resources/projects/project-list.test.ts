// The list of all projects: what it was when it was written at once, however many there are.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../../core/manual-clock.ts";
import type { Project } from "../../../core/workspace.ts";
import { caller } from "../../test/caller.ts";
import { presentProject } from "./present.ts";
import { projectListReply } from "./project-list.ts";

const MANY = 10_000;
const LONGEST_NAME = "€".repeat(128);

/** Copies of a project, which count how many of them were looked at. */
function copiesOf(project: Project, count: number) {
	const looked = { count: 0 };
	const projects = Array.from({ length: count }, (_, n): Project => ({
		...project,
		id: `proj_${n.toString(16).padStart(32, "0")}`,
		get name() {
			looked.count++;
			return LONGEST_NAME;
		},
	}));
	return { projects, looked };
}

describe("the list of all projects", () => {
	it.each([1, 200, 201, MANY])("is a bare array of all %i", async (count) => {
		const { call, engine, project, keys } = await caller();
		const { projects } = copiesOf(project, count);
		const list = engine.projects.list.bind(engine.projects);
		engine.projects.list = () => projects;
		try {
			const { status, text, headers } = await call("GET", "/workspace/projects");
			expect([status, headers.get("content-type")]).toEqual([200, "application/json; charset=utf-8"]);
			expect(text).toBe(JSON.stringify(projects.map(presentProject)));
			expect((await call("HEAD", "/workspace/projects")).text).toBe("");
			const own = await call("GET", "/workspace/projects", undefined, { "secret-key": keys.projectRead });
			expect(own.json).toMatchObject([{ id: project.id }]);
		} finally {
			engine.projects.list = list;
		}
	});

	it("is written in slices, each in a turn of the event loop of its own, and not before somebody reads it", async () => {
		const { project } = await caller();
		const { projects, looked } = copiesOf(project, MANY);
		let turns = 0;
		const clock = new ManualClock(0, { nextTurn: (fire) => void (turns++, setImmediate(fire)) });
		const { body } = projectListReply(projects, clock);
		if (!(body instanceof ReadableStream)) throw new Error("a long list is a stream");
		const reader = body.getReader();
		let slices = 0;
		for (let bytes = (await reader.read()).value; bytes !== undefined; bytes = (await reader.read()).value) {
			slices++;
			expect(bytes.length).toBeLessThanOrEqual(256 * 1_024);
			expect(looked.count).toBe(slices * 200);
		}
		expect([slices, turns]).toEqual([MANY / 200, MANY / 200 - 1]);
	});
});
