// Pages end at about 4 MB, and following the cursors still visits every row once, in both directions.
import { describe, expect, it } from "vitest";

import { decodeCursor, type PageRequest } from "../../../core/page.ts";
import { caller } from "../../test/caller.ts";
import { listReply } from "./list-reply.ts";

const MIB = 1_024 * 1_024;
/** Newest first, each of about a MiB. */
const ROWS = Array.from({ length: 12 }, (_, n) => ({ id: String(99 - n), text: "x".repeat(MIB) }));

interface Shown {
	readonly nextPage: string | null;
	readonly prevPage: string | null;
	readonly data: readonly { readonly id: string }[];
}

/** The page of a list that would have all rows on one page, if they were small. */
function pageOf(
	cursor: string | null,
	text = (row: (typeof ROWS)[number]): unknown => row,
): Shown & { length: number } {
	const request: PageRequest = { limit: 1_000, cursor: cursor === null ? null : decodeCursor(cursor, () => true) };
	const from = request.cursor === null ? null : ROWS.findIndex(({ id }) => id === request.cursor?.id);
	const isNewer = request.cursor?.direction === "newer";
	const rows = from === null ? ROWS : isNewer ? ROWS.slice(0, from) : ROWS.slice(from + 1);
	const page = { rows, hasNewer: !isNewer && from !== null, hasOlder: isNewer };
	const body = listReply(page, request, text).body as string;
	return { ...(JSON.parse(body) as Shown), length: body.length };
}

const ids = ({ data }: Shown) => data.map(({ id }) => id);

describe("a page of large rows", () => {
	it("ends at about 4 MB, and the next pages have the others", () => {
		const seen: string[] = [];
		let page = pageOf(null);
		for (;;) {
			expect(page.length).toBeLessThan(4.2 * MIB);
			seen.push(...ids(page));
			if (page.nextPage === null) break;
			page = pageOf(page.nextPage);
		}
		expect(seen).toEqual(ROWS.map(({ id }) => id));
		expect(page.prevPage).not.toBeNull();
	});

	it("ends at the other side on the way back", () => {
		const last = pageOf(pageOf(pageOf(pageOf(null).nextPage).nextPage).nextPage);
		const seen = ids(last);
		let page: Shown & { length: number } = last;
		while (page.prevPage !== null) {
			page = pageOf(page.prevPage);
			expect(page.length).toBeLessThan(4.2 * MIB);
			expect(page.nextPage).not.toBeNull();
			seen.unshift(...ids(page));
		}
		expect(seen).toEqual(ROWS.map(({ id }) => id));
	});

	it("has at least one row, however large it is", () => {
		const page = pageOf(null, ({ id }) => ({ id, text: "x".repeat(6 * MIB) }));
		expect(ids(page)).toEqual(["99"]);
	});

	it("counts bytes, not characters", () => {
		const page = pageOf(null, ({ id }) => ({ id, text: "€".repeat(MIB) }));
		expect(ids(page)).toEqual(["99"]);
	});

	it("goes on where a search has stopped, unless it was cut before that", () => {
		const stopped = { rows: ROWS.slice(0, 2), hasNewer: false, hasOlder: true, stoppedAt: "50" };
		const nextOf = (page: typeof stopped) => {
			const { nextPage } = JSON.parse(
				listReply(page, { limit: 10, cursor: null }, (row) => row).body as string,
			) as Shown;
			return nextPage === null ? null : decodeCursor(nextPage, () => true).id;
		};
		expect(nextOf(stopped)).toBe("50");
		expect(nextOf({ ...stopped, rows: [] })).toBe("50");
		expect(nextOf({ ...stopped, rows: ROWS.slice(0, 8) })).toBe("97");
	});
});

it("every list of the API ends its pages so: a list of webhooks with all that they can have", async () => {
	const { call } = await caller();
	const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}`.padEnd(64, "k"), "€".repeat(512)]));
	const spec = { endpoint: "http://127.0.0.1:1/", metadata };
	for (let n = 0; n < 70; n++) await call("POST", "./batch/webhooks", { name: "a", spec });
	const { json, text } = await call("GET", "./batch/webhooks");
	expect(Buffer.byteLength(text)).toBeLessThan(4.2 * MIB);
	const rest = await call("GET", `./batch/webhooks?page=${String(json["nextPage"])}`);
	const count = [json, rest.json].map(({ data }) => (data as unknown[]).length);
	expect(count[0]).toBeGreaterThan(10);
	expect(count[0]! + count[1]!).toBe(70);
});
