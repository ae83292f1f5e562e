// Pages of projects: together they have each project once, in order, also while projects are made and deleted.
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { PageRequest } from "./page.ts";
import { NO_CUSTOMER_LIMITS } from "./policies/customer-limits.ts";
import { isProjectPosition, projectPage, projectPosition, type Project } from "./workspace.ts";

const unset = { retentionDays: null, payloadRetentionDays: null, maxEventsPerSecond: null, maxStoredBytes: null };
const project = (number: number, createDate: number, name = `Shop ${number}`): Project => {
	const id = `proj_${number.toString(16).padStart(32, "0")}`;
	const settings = { eventTypes: "open", ...unset, ...NO_CUSTOMER_LIMITS } as const;
	return { id, workspaceId: "ws_1", name, ...settings, createDate, revision: 1 };
};

/** Some projects, several of them made in the same millisecond. */
const projects = fc
	.uniqueArray(fc.record({ number: fc.nat(1_000), date: fc.nat(5) }), {
		selector: ({ number }) => number,
		maxLength: 30,
	})
	.map((all) => all.map(({ number, date }) => project(number, date)));

const newestFirst = (all: readonly Project[]) =>
	all.toSorted((a, b) => b.createDate - a.createDate || (a.id < b.id ? 1 : -1)).map(({ id }) => id);

const idsOf = (rows: readonly Project[]) => rows.map(({ id }) => id);

describe("pages of projects", () => {
	it("have each project once, in order, in both directions", () => {
		fc.assert(
			fc.property(projects, fc.integer({ min: 1, max: 7 }), (all, limit) => {
				const down: string[] = [];
				let last: Project | undefined;
				for (let request: PageRequest = { limit, cursor: null }; ;) {
					const page = projectPage(all, null, request);
					expect(page.hasNewer).toBe(down.length > 0);
					expect(page.rows.length).toBeLessThanOrEqual(limit);
					down.push(...idsOf(page.rows));
					last = page.rows.at(-1) ?? last;
					if (!page.hasOlder || last === undefined) break;
					request = { limit, cursor: { direction: "older", id: projectPosition(last) } };
				}
				expect(down).toEqual(newestFirst(all));
				if (last === undefined) return;
				const up: string[] = [last.id];
				for (let first = last; ;) {
					const page = projectPage(all, null, { limit, cursor: { direction: "newer", id: projectPosition(first) } });
					expect(page.hasOlder).toBe(true);
					up.unshift(...idsOf(page.rows));
					first = page.rows[0] ?? first;
					if (!page.hasNewer) break;
				}
				expect(up).toEqual(newestFirst(all));
			}),
		);
	});

	it("go on at the place of a project that was deleted meanwhile", () => {
		fc.assert(
			fc.property(projects, fc.nat(), (all, choice) => {
				const order = newestFirst(all);
				const at = order[choice % Math.max(1, order.length)];
				const gone = all.find(({ id }) => id === at);
				if (gone === undefined) return;
				const left = all.filter((one) => one !== gone);
				const page = (direction: "older" | "newer") =>
					idsOf(projectPage(left, null, { limit: 1_000, cursor: { direction, id: projectPosition(gone) } }).rows);
				expect([page("newer"), page("older")]).toEqual([
					order.slice(0, order.indexOf(gone.id)),
					order.slice(order.indexOf(gone.id) + 1),
				]);
			}),
		);
	});

	it("find a text in ids and names, in upper or lower case", () => {
		const all = [project(1, 1, "Shop production"), project(2, 2, "SHOP staging"), project(3, 3, "Billing")];
		const found = (q: string) => projectPage(all, q, { limit: 10, cursor: null }).rows.map(({ name }) => name);
		expect(found("shop")).toEqual(["SHOP staging", "Shop production"]);
		expect(found("PROJ_")).toHaveLength(3);
		expect(found("0003")).toEqual(["Billing"]);
		expect(found("none")).toEqual([]);
	});

	it.each([
		"",
		"5",
		"5.",
		".proj_1",
		"5.proj_1",
		"x.proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
		"proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
	])("have no place %j", (text) => {
		expect(isProjectPosition(text)).toBe(false);
	});
});
