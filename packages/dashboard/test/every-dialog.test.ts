// Every dialog of the page: nothing that axe objects to while it is open, in light and dark colours, and nothing cut off on a phone.
import { globSync, readFileSync } from "node:fs";

import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite, type World } from "./suite.ts";

/** All rules that axe has, or those that depend on the colours: see `every-screen.test.ts`. */
const FORMS = [
	["dark", 360, undefined],
	["light", 1_280, ["color-contrast"]],
] as const;

/** What is clicked, one after the other, until the dialog is open. */
type Opener = (page: Page) => readonly Locator[];

interface Dialog {
	/** The file with the dialog, below `src/`. */
	readonly file: string;
	readonly path: string;
	readonly opener: Opener;
}

const button =
	(...names: readonly (string | RegExp)[]): Opener =>
	(page) =>
		names.map((name) => page.getByRole("button", { name }).first());

const menu =
	(name: string | RegExp, item: string): Opener =>
	(page) => [page.getByRole("button", { name }).first(), page.getByRole("menuitem", { name: item })];

/** Those that a form asks whoever leaves it, and the one of an ended session: their own tests open them, and have axe look. */
const ELSEWHERE = {
	"parts/feedback/confirm.tsx": "what most others are made of",
	"parts/feedback/leave-question.tsx": "parts/feedback/leave-question.test.ts",
	"session/sign-in-again.tsx": "screens/sign-in/sign-in.test.ts",
	"screens/webhooks/form/drawer-body.tsx": "parts/feedback/leave-question.test.ts",
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
		{ file: "shell/palette.tsx", path: "", opener: button(/^Search/) },
		{ file: "shell/shortcuts/shortcut-help.tsx", path: "", opener: menu("Account", "Keyboard shortcuts") },
		{ file: "shell/account-menu.tsx", path: "", opener: menu("Account", "Sign out everywhere…") },
		{ file: "screens/overview/attention/set-aside-dialog.tsx", path: "", opener: button(/^Set aside /) },
		{ file: "screens/overview/attention/attention.tsx", path: "", opener: button("Resume…") },
		{ file: "screens/webhooks/form/webhook-drawer.tsx", path: "webhooks", opener: button("Add webhook") },
		{ file: "screens/webhooks/form/webhook-drawer.tsx", path: `webhooks/${webhook.id}`, opener: button("Edit") },
		{
			file: "screens/webhook/delete-webhook.tsx",
			path: `webhooks/${webhook.id}`,
			opener: menu("More actions", "Delete…"),
		},
		{
			file: "screens/webhook/secret-tab.tsx",
			path: `webhooks/${webhook.id}?tab=secret`,
			opener: button("Replace the secret…"),
		},
		{ file: "parts/list/export-button.tsx", path: "deliveries?status=Failed", opener: button("Export…") },
		{ file: "screens/deliveries/bulk/change-all.tsx", path: "deliveries?status=Failed", opener: button(/^Retry .*…$/) },
		{
			file: "screens/deliveries/bulk/change-selected.tsx",
			path: "deliveries?status=Failed",
			opener: (page) => [
				page.getByRole("checkbox", { name: /^Select / }).last(),
				page.getByRole("button", { name: /^Retry 1 selected…$/ }),
			],
		},
		{ file: "screens/event/erase-data.tsx", path: `events/${failed.eventId}`, opener: button("Erase the payload…") },
		{ file: "screens/events/replay-selected.tsx", path: `events/${failed.eventId}`, opener: button(/^Replay.*…$/) },
		{ file: "screens/replay/replay.tsx", path: `replays/${replay.id}`, opener: button("Stop…") },
		{ file: "screens/event-types/event-types.tsx", path: "event-types", opener: button("Add an event type") },
		{ file: "screens/event-type/event-type.tsx", path: "event-types/order.paid", opener: button("Delete…") },
		{ file: "screens/customers/add-customer.tsx", path: "customers", opener: button("Add a customer") },
		{ file: "screens/customer/customer.tsx", path: "customers/acme", opener: button(/^Pause .*…$/) },
		{ file: "screens/customer/portal-links.tsx", path: "customers/acme", opener: button("Make a portal link…") },
		{ file: "screens/keys/create-key.tsx", path: "keys", opener: button("Create a key") },
		{ file: "screens/keys/rename-key.tsx", path: "keys", opener: key("Rename…") },
		{ file: "screens/keys/roll-key.tsx", path: "keys", opener: key("Roll…") },
		{ file: "screens/keys/revoke-key.tsx", path: "keys", opener: key("Revoke…") },
		{ file: "screens/settings/delete-project.tsx", path: "settings", opener: button(/^Delete .*…$/) },
	];
}

pageSuite(
	"every dialog",
	(world) => {
		it("is tried here, or by its own test", async () => {
			const sources = new URL("../src/", import.meta.url);
			const isDialog = (file: string) =>
				/<(?:Confirm|Modal|Drawer)\s/.test(readFileSync(new URL(file, sources), "utf8"));
			const files = globSync("**/*.tsx", { cwd: sources }).filter(isDialog);
			const tried = (await dialogsOf(world)).map(({ file }) => file);
			// That of narrow windows is tried by itself.
			const known = new Set([...tried, ...Object.keys(ELSEWHERE), "shell/project-shell.tsx"]);
			expect(files.filter((file) => !known.has(file))).toEqual([]);
		});

		it.each(GROUPS)("of %s is accessible, and has room on a phone", async (_, isOfGroup) => {
			await using tab = await world.open("", { size: { width: 1_280, height: 800 } });
			const { page } = tab;
			const problems: unknown[] = [];
			const look = async (name: string) => {
				const dialog = page.getByRole("dialog").last();
				await dialog.waitFor();
				await expect.poll(() => dialog.locator(".shimmer").count()).toBe(0);
				for (const [colorScheme, width, rules] of FORMS) {
					await page.emulateMedia({ colorScheme });
					await page.setViewportSize({ width, height: 800 });
					await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
					const findings = await axeFindings(page, rules);
					const beyond = await dialog.evaluate((element) => element.scrollWidth - element.clientWidth);
					if (findings.length > 0 || beyond > 0) problems.push({ name, colorScheme, width, beyond, findings });
				}
			};
			// One that has ended would have nothing to stop.
			await page.route(/\/projects\/[^/]+\/replays\/replay_[^/]+$/, async (route) => {
				const response = await route.fetch();
				const replay = (await response.json()) as object;
				await route.fulfill({ response, json: { ...replay, status: "Running", endDate: null } });
			});
			const dialogs = (await dialogsOf(world)).filter(({ file }) => isOfGroup(file));
			expect(dialogs.length).toBeGreaterThan(3);
			for (const { file, path, opener } of dialogs) {
				await page.goto(`${world.server.url}/ui/${world.server.projectId}/${path}`);
				for (const each of opener(page)) await each.click();
				await look(file);
			}
			expect(problems).toEqual([]);
		});

		it("is accessible if it is the navigation of a phone, which slides in", async () => {
			await using tab = await world.open("", { size: { width: 360, height: 800 } });
			const { page } = tab;
			await page.getByRole("button", { name: "Open the navigation" }).click();
			const dialog = page.getByRole("dialog", { name: "Fanfare" });
			await dialog.getByRole("link", { name: "Webhooks" }).waitFor();
			for (const colorScheme of ["light", "dark"] as const) {
				await page.emulateMedia({ colorScheme });
				await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
				expect(await axeFindings(page)).toEqual([]);
			}
			await dialog.getByRole("link", { name: "Webhooks" }).click();
			await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
			await dialog.waitFor({ state: "hidden" });
		});
	},
	{ isDemo: true },
);
