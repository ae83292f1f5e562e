// Which schemas stay in the thread.
import { describe, expect, it } from "vitest";

import { SchemaTable } from "./schema-table.ts";

const NOTHING_NEEDED = new Set<number>();
const textOf = (name: string, length = 10) => JSON.stringify({ title: name.padEnd(length, "x") });

describe("the table of schemas", () => {
	it("drops those of the project that has most, so that it does not make others' be compiled again", () => {
		const table = new SchemaTable();
		const own = Array.from({ length: 20 }, (_, index) => table.use("modest", textOf(`own ${index}`)).id);
		const dropped: number[] = [];
		for (let round = 0; round < 2_000; round++) {
			table.use("greedy", textOf(`greedy ${round}`));
			dropped.push(...table.trim(NOTHING_NEEDED));
		}
		expect(dropped).toHaveLength(2_000 + 20 - 500);
		expect(own.filter((id) => dropped.includes(id))).toEqual([]);
		expect(table.use("modest", textOf("own 3"))).toEqual({ id: own[3], isNew: false });
	});

	it("drops large ones as it drops many", () => {
		const table = new SchemaTable();
		const own = Array.from({ length: 100 }, (_, index) => table.use("modest", textOf(`own ${index}`)).id);
		const dropped: number[] = [];
		for (let round = 0; round < 40; round++) {
			table.use("greedy", textOf(`greedy ${round}`, 60_000));
			dropped.push(...table.trim(NOTHING_NEEDED));
		}
		expect(dropped).toHaveLength(40 - 17);
		expect(own.filter((id) => dropped.includes(id))).toEqual([]);
	});

	it("keeps a mebi of characters, and not one more", () => {
		const table = new SchemaTable();
		const [large, small] = ["large", "small"].map(
			(name) => table.use("p", `"${name.padEnd(512 * 1_024 - 2, "x")}"`).id,
		);
		expect(table.trim(NOTHING_NEEDED)).toEqual([]);
		table.use("p", "1");
		expect(table.trim(NOTHING_NEEDED)).toEqual([large]);
		expect(table.use("p", `"${"small".padEnd(512 * 1_024 - 2, "x")}"`)).toEqual({ id: small, isNew: false });
	});

	it("drops the least recently used one of a project, and none that is needed", () => {
		const table = new SchemaTable();
		const ids = Array.from({ length: 501 }, (_, index) => table.use("p", textOf(`${index}`)).id);
		table.use("p", textOf("0"));
		expect(table.trim(new Set([ids[1] ?? 0]))).toEqual([ids[2]]);
		expect(table.trim(NOTHING_NEEDED)).toEqual([]);
		expect(table.use("p", textOf("2"))).toEqual({ id: 502, isNew: true });
	});

	it("drops those of the next project if all of the largest are needed", () => {
		const table = new SchemaTable();
		const small = table.use("small", textOf("small")).id;
		const needed = new Set(Array.from({ length: 500 }, (_, index) => table.use("large", textOf(`${index}`)).id));
		expect(table.trim(needed)).toEqual([small]);
		needed.add(table.use("large", textOf("one more")).id);
		expect(table.trim(needed)).toEqual([]);
	});

	it("keeps one schema for projects that use the same text, and counts it as the last one's", () => {
		const table = new SchemaTable();
		const shared = table.use("greedy", textOf("shared"));
		expect(table.use("modest", textOf("shared"))).toEqual({ id: shared.id, isNew: false });
		for (let round = 0; round < 1_000; round++) table.use("greedy", textOf(`greedy ${round}`));
		expect(table.trim(NOTHING_NEEDED)).not.toContain(shared.id);
	});
});
