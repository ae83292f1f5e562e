// Every dialog of the page: nothing that axe objects to while it is open, in light and dark colours, and nothing cut off on a phone.
import { expect, it } from "vitest";

import { button, problemsOf, untried, type Dialog } from "./dialogs.ts";
import { findingsInColours, pageSuite, type World } from "./suite.ts";

const DIALOG = /<(?:Confirm|Dialog)\s/g;

function menu(name: string | RegExp, item: string): Dialog["open"] {
	return async (page) => {
		await page.getByRole("button", { name }).first().click();
		await page.getByRole("menuitem", { name: item }).click();
	};
}

/** Those that a form asks whoever leaves it, and the one of an ended session: their own tests open them, and have axe look. */
const ELSEWHERE: Readonly<Record<string, string>> = {
	"parts/feedback/confirm.tsx": "what most others are made of",
	"parts/feedback/leave-question.tsx": "parts/feedback/leave-question.all.test.ts",
	"session/sign-in-again.tsx": "screens/sign-in/sign-in.all.test.ts",
	"screens/webhooks/form/drawer-body.tsx": "parts/feedback/leave-question.all.test.ts",
};

const isOfLog = (file: string) => /^(?:parts\/list|screens\/(?:deliveries|events?|replay))\//.test(file);
const isOfFrame = (file: string) => /^(?:shell|screens\/(?:overview|webhooks?))\//.test(file);
/** Each a test of its own, so that none takes long on a slow machine. */
const GROUPS = [
	["the frame, the overview and webhooks", isOfFrame],
	["deliveries, events and replays", isOfLog],
	["all others", (file: string) => !isOfFrame(file) && !isOfLog(file)],
] as const;

async function dialogsOf({ server: { project, client, projectId } }: World): Promise<readonly Dialog[]> {
	const webhook = (await project.batch.webhooks.list()).data.find(({ name }) => name === "Billing")!;
	const [failed] = (await project.deliveries.list({ status: "Failed", cause: "status_5xx", limit: 1 })).data;
	const [replay] = (await project.replays.list()).data;
	if (failed === undefined || replay === undefined) throw new Error("the demo lacks something");
	if (!(await client.keys.list()).data.some(({ name }) => name === "Rolled"))
		await client.keys.create({ name: "Rolled", scope: "read", projectId });
	const key = (item: string) => menu("Actions for Rolled", item);
	return [
		{ file: "shell/palette.tsx", path: "", open: button(/^Search/) },
		{ file: "shell/shortcuts/shortcut-help.tsx", path: "", open: menu("Account", "Keyboard shortcuts") },
		{ file: "shell/account-menu.tsx", path: "", open: menu("Account", "Sign out everywhere…") },
		{
			file: "shell/account-menu.tsx",
			path: "deliveries?status=Failed",
			open: async (page) => {
				// A change that is under way until the tab shows another screen.
				await page.route(/\/deliveries:retry$/, () => {});
				await button(/^Retry .*…$/)(page);
				const dialog = page.getByRole("dialog");
				await dialog.getByRole("button", { name: /^Retry \d/ }).click();
				await dialog.waitFor({ state: "detached" });
				await menu("Account", "Sign out…")(page);
			},
		},
		{ file: "screens/overview/attention/set-aside-dialog.tsx", path: "", open: button(/^Set aside /) },
		{ file: "screens/overview/attention/attention.tsx", path: "", open: button("Resume…") },
		{ file: "screens/webhooks/form/webhook-drawer.tsx", path: "webhooks", open: button("Add webhook") },
		{ file: "screens/webhooks/form/webhook-drawer.tsx", path: `webhooks/${webhook.id}`, open: button("Edit") },
		{
			file: "screens/webhook/delete-webhook.tsx",
			path: `webhooks/${webhook.id}`,
			open: menu("More actions", "Delete…"),
		},
		{
			file: "screens/webhook/secret-tab.tsx",
			path: `webhooks/${webhook.id}?tab=secret`,
			open: button("Replace the secret…"),
		},
		{ file: "parts/list/export-button.tsx", path: "deliveries?status=Failed", open: button("Export…") },
		{ file: "screens/deliveries/bulk/change-all.tsx", path: "deliveries?status=Failed", open: button(/^Retry .*…$/) },
		{
			file: "screens/deliveries/bulk/change-selected.tsx",
			path: "deliveries?status=Failed",
			open: async (page) => {
				await page
					.getByRole("checkbox", { name: /^Select / })
					.last()
					.click();
				await page.getByRole("button", { name: /^Retry 1 selected…$/ }).click();
			},
		},
		{ file: "screens/event/erase-data.tsx", path: `events/${failed.eventId}`, open: button("Erase the payload…") },
		{ file: "screens/events/replay-selected.tsx", path: `events/${failed.eventId}`, open: button(/^Replay.*…$/) },
		{ file: "screens/replay/replay.tsx", path: `replays/${replay.id}`, open: button("Stop…") },
		{ file: "screens/event-types/event-types.tsx", path: "event-types", open: button("Add an event type") },
		{ file: "screens/event-type/event-type.tsx", path: "event-types/order.paid", open: button("Delete…") },
		{ file: "screens/customers/add-customer.tsx", path: "customers", open: button("Add a customer") },
		{ file: "screens/customer/customer.tsx", path: "customers/acme", open: button(/^Pause .*…$/) },
		{ file: "screens/customer/portal-links.tsx", path: "customers/acme", open: button("Make a portal link…") },
		{ file: "screens/keys/create-key.tsx", path: "keys", open: button("Create a key") },
		{ file: "screens/keys/rename-key.tsx", path: "keys", open: key("Rename…") },
		{ file: "screens/keys/roll-key.tsx", path: "keys", open: key("Roll…") },
		{ file: "screens/keys/revoke-key.tsx", path: "keys", open: key("Revoke…") },
		{ file: "screens/settings/delete-project.tsx", path: "settings", open: button(/^Delete .*…$/) },
	];
}

pageSuite(
	"every dialog",
	(world) => {
		it("is tried here, or by its own test", async () => {
			// That of narrow windows is tried by itself.
			const elsewhere = { ...ELSEWHERE, "shell/project-shell.tsx": "below" };
			const sources = new URL("../src/", import.meta.url);
			expect(untried(sources, DIALOG, await dialogsOf(world), elsewhere)).toEqual([]);
		});

		it.each(GROUPS)("of %s is accessible, and has room on a phone", async (_, isOfGroup) => {
			const { page } = await world.open("", { size: { width: 1_280, height: 800 } });
			const problems: unknown[] = [];
			// The browser asks before somebody leaves a change that is under way.
			page.on("dialog", (dialog) => void dialog.accept());
			// One that has ended would have nothing to stop.
			await page.route(/\/projects\/[^/]+\/replays\/replay_[^/]+$/, async (route) => {
				const response = await route.fetch();
				const replay = (await response.json()) as object;
				await route.fulfill({ response, json: { ...replay, status: "Running", endDate: null } });
			});
			const dialogs = (await dialogsOf(world)).filter(({ file }) => isOfGroup(file));
			expect(dialogs.length).toBeGreaterThan(3);
			for (const { file, path, open } of dialogs) {
				await page.goto(world.url(path));
				await open(page);
				const dialog = page.getByRole("dialog").last();
				await dialog.waitFor();
				const found = await problemsOf(page, {
					documentIn: (scheme) => `html[data-mantine-color-scheme=${scheme}]`,
					beyond: () => dialog.evaluate((element) => element.scrollWidth - element.clientWidth),
				});
				if (found.length > 0) problems.push({ file, found });
			}
			expect(problems).toEqual([]);
		});

		it("is accessible if it is the navigation of a phone, which slides in", async () => {
			const { page } = await world.open("", { size: { width: 360, height: 800 } });
			await page.getByRole("button", { name: "Open the navigation" }).click();
			const dialog = page.getByRole("dialog", { name: "Fanfare" });
			await dialog.getByRole("link", { name: "Webhooks" }).waitFor();
			expect(await findingsInColours(page)).toEqual([]);
			await dialog.getByRole("link", { name: "Webhooks" }).click();
			await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
			await dialog.waitFor({ state: "hidden" });
		});
	},
	{ isDemo: true },
);
