// What a server of several processes would say of itself: the server of the tests is alone, so its response is changed on its way.
import type { StatusMember, WorkspaceStatus } from "@fanfare/sdk";
import type { Page } from "playwright-core";

const HOUR_MS = 3_600_000;

/** One of the processes, which is as it should be. */
export function member(index: number, shards: number, changes: Partial<StatusMember> = {}): StatusMember {
	const seenDate = Date.now();
	return {
		id: `member ${index}`,
		name: `fanfare-${index}`,
		address: `10.1.4.${index}`,
		port: 8_787,
		version: "0.2.0",
		role: "all",
		state: "live",
		self: index === 0,
		joinDate: seenDate - 2 * HOUR_MS,
		seenDate,
		seenAgoMs: 200,
		shards,
		duties: index === 0 ? ["retention", "stats"] : [],
		readyDeliveries: 0,
		inFlightAttempts: 3,
		lagMs: 0,
		messages: null,
		...changes,
	};
}

/** From now on, the status of the server has these changes. The page is loaded anew. */
export async function showStatus(page: Page, changes: () => Partial<WorkspaceStatus>): Promise<void> {
	await page.route(/\/workspace\/status$/, async (route) => {
		const response = await route.fetch();
		const status = (await response.json()) as WorkspaceStatus;
		await route.fulfill({ response, json: { ...status, ...changes() } });
	});
	await page.reload();
}
