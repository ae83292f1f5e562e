// A log of deliveries that is too large to make in a test: the test answers for the server.
import type { Delivery } from "@fanfare/sdk";
import type { Person } from "@fanfare/testkit/browser/browser";
import type { Page } from "playwright-core";

export interface FakeLogOptions {
	/** How many rows there are. Defaults to 450. */
	readonly rows?: number;
	/** How many rows a page of the list has. Defaults to 100. */
	readonly pageRows?: number;
	/** The place of the real delivery. If omitted, all rows are like it, and have other ids. */
	readonly place?: number;
	/** What tells the rows of a version of the log from those of another one. Defaults to their reason, such as `version 1`. */
	readonly rowOf?: (version: number) => Partial<Delivery>;
}

export function rowId(index: number): string {
	return `dlv_00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
}

/** The row of a delivery in the list of a page. */
export function rowOf(page: Page, id: string) {
	return page.getByRole("row").filter({ has: page.locator(`[data-row="${id}"]`) });
}

/** Answers all calls for lists of deliveries with rows like `real`, one for each second before it. */
export async function fakeLog({ context }: Person, real: Delivery, options: FakeLogOptions = {}) {
	const { rows = 450, pageRows = 100, place = -1, rowOf = (version) => ({ reason: `version ${version}` }) } = options;
	const log = {
		/** Where each page begins that was asked for. */
		asked: [] as number[],
		version: 1,
		/** Pages from this row on can't be loaded. */
		brokenFrom: Number.POSITIVE_INFINITY,
		/** A page whose answer comes later. */
		held: { start: -1, until: Promise.resolve() },
	};
	await context.route(/\/projects\/[^/]+\/deliveries\?/, async (route) => {
		const start = Number(new URL(route.request().url()).searchParams.get("page") ?? 0);
		log.asked.push(start);
		if (start === log.held.start) await log.held.until;
		if (start >= log.brokenFrom) {
			return route.fulfill({ status: 500, json: { message: "It broke.", code: "internal", requestId: "req_1" } });
		}
		const end = Math.min(rows, start + pageRows);
		const data = Array.from({ length: end - start }, (_, at) => {
			const index = start + at;
			const row = { ...real, createDate: real.createDate - index * 1_000 };
			return index === place ? row : { ...row, id: rowId(index), ...rowOf(log.version) };
		});
		const nextPage = end === rows ? null : String(end);
		return route.fulfill({ json: { data, nextPage, prevPage: null, scannedTo: null } });
	});
	return log;
}
