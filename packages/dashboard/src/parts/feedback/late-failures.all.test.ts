// Dialogs that are closed while their call is under way, in a real browser: what fails is said all the same, and nothing typed is lost.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { hold } from "../../../test/held-call.ts";
import { deliverTo } from "../../../test/sent-deliveries.ts";
import { follow, pageSuite, signIn } from "../../../test/suite.ts";

pageSuite("what comes late", (world) => {
	it("is that a key was not revoked, which is said in the corner of any screen, where it is tried again", async () => {
		await world.server.client.keys.create({ name: "late key", scope: "read" });
		const { page } = await world.open("keys");
		const call = await hold(page, "DELETE", /\/workspace\/keys\//);
		await choose(page, "late key", "Revoke…");
		const dialog = page.getByRole("dialog", { name: "Revoke the key?" });
		await dialog.getByRole("button", { name: "Revoke late key" }).click();
		await call.made;
		await dialog.getByText("It goes on if you close this.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.keyboard.press("Escape");
		await expect.poll(() => dialog.count()).toBe(0);
		await page.getByRole("link", { name: "Settings" }).click();
		await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
		call.refuse();
		const notice = noticeOf(page);
		await notice.getByText("late key was not revoked").waitFor();
		await notice.getByText("Not now.").waitFor();
		await notice.getByText("req_late").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await notice.getByRole("button", { name: "Try again" }).click();
		await page.getByText("Revoked late key").waitFor();
		await expect.poll(() => notice.count()).toBe(0);
		const names = (await world.server.client.keys.list()).data.map(({ name }) => name);
		expect(names).not.toContain("late key");
	});

	it("is that chosen events were not sent again, which is said, and sends them to the webhooks that were chosen", async () => {
		const { webhook } = await deliverTo(world, 204, "late.replay", { name: "Replayed late" });
		const { page } = await world.open("events?type=late.replay");
		const call = await hold(page, "POST", /\/replays$/);
		await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
		await page.getByRole("button", { name: "Replay 1 selected…" }).click();
		const dialog = page.getByRole("dialog", { name: "Send 1 event again?" });
		await dialog.getByRole("combobox", { name: "To these webhooks" }).click();
		await page.getByRole("option", { name: "Replayed late" }).click();
		await dialog.getByRole("button", { name: "Send 1 delivery" }).click();
		await call.made;
		await dialog.getByText("Close", { exact: true }).click();
		call.refuse();
		const notice = noticeOf(page);
		await notice.getByText("1 event was not sent again").waitFor();
		await notice.getByRole("button", { name: "Try again" }).click();
		await page.getByText("1 replay started").waitFor();
		expect((await world.server.project.replays.list({ webhookId: webhook.id })).data).toHaveLength(1);
	});

	it("is said on the list of projects, too, such as that the webhooks of a customer were not paused, until somebody has read it", async () => {
		const { batch } = world.server.project;
		const spec = { endpoint: "https://example.com/late" };
		const { id } = await batch.webhooks.create({ name: "Of late", customerId: "late", spec });
		const { id: other } = await world.server.client.projects.create({ name: "Second" });
		const { page } = await world.open("customers/late");
		const call = await hold(page, "POST", /\/customers\/late:pause$/);
		await page.getByRole("button", { name: "Pause 1 webhook…" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Pause 1 webhook" }).click();
		await call.made;
		await page.keyboard.press("Escape");
		await follow(page, "/ui/");
		await page.getByRole("heading", { name: "Projects" }).waitFor();
		call.refuse();
		const notice = noticeOf(page);
		await notice.getByText("The webhooks of late were not paused").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await notice.getByRole("button", { name: "Dismiss" }).click();
		await expect.poll(() => notice.count()).toBe(0);
		expect((await batch.webhooks.get(id)).status).toBe("Enabled");
		await world.server.client.projects.delete(other);
	});

	it("closes no other dialog that somebody has opened since, and leads nowhere", async () => {
		for (const name of ["first key", "second key"]) await world.server.client.keys.create({ name, scope: "read" });
		const { page } = await world.open("keys");
		const revoking = await hold(page, "DELETE", /\/workspace\/keys\//);
		await choose(page, "first key", "Revoke…");
		await page.getByRole("button", { name: "Revoke first key" }).click();
		await revoking.made;
		await page.keyboard.press("Escape");
		await choose(page, "second key", "Rename…");
		const dialog = page.getByRole("dialog", { name: "Rename the key" });
		await dialog.getByLabel("Name").fill("third key");
		revoking.release();
		await page.getByText("Revoked first key").waitFor();
		expect(await dialog.getByLabel("Name").inputValue()).toBe("third key");
		await dialog.getByLabel("Name").press("Enter");
		await page.getByText("Renamed to third key").waitFor();
		await page.getByRole("link", { name: "Customers" }).click();
		const adding = await hold(page, "PATCH", /\/customers\/slow$/);
		await page.getByRole("button", { name: "Add a customer" }).first().click();
		const add = page.getByRole("dialog", { name: "Add a customer" });
		await add.getByLabel("Id").fill("slow");
		await add.getByLabel("Name").fill("Slow Ltd");
		await add.getByRole("button", { name: "Add the customer" }).click();
		await adding.made;
		await page.keyboard.press("Escape");
		await expect.poll(() => add.count()).toBe(0);
		adding.release();
		await page.getByText("Added Slow Ltd").waitFor();
		expect(await page.getByRole("heading", { name: "Customers", level: 1 }).count()).toBe(1);
	});

	it.each(["failure", "success"] as const)(
		"is not told to somebody who has signed in with another key meanwhile, and who is told of their own (%s)",
		async (end) => {
			const { keys } = world.server.client;
			const name = `${end} of others`;
			const first = await keys.create({ name: "first person", scope: "admin" });
			await keys.create({ name, scope: "read" });
			const { page } = await world.open("keys", { key: first.secretKey });
			const call = await revoke(page, name);
			await page.evaluate(`{
				window.told = [];
				const look = () => told.push(document.querySelector(".corner")?.textContent);
				new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
			}`);
			await keys.delete(first.id);
			await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
			await signIn(page, world.server.key);
			await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
			const answered = page.waitForResponse((response) => response.request().method() === "DELETE");
			if (end === "failure") call.refuse();
			else call.answer({ deleted: true });
			await (await answered).finished();
			// One of this person is told, and comes after it.
			await customerNotAdded(page, end);
			expect(await noticeOf(page).getByRole("alert").count()).toBe(1);
			await noticeOf(page).getByRole("button", { name: "Try again" }).click();
			await page
				.locator(".corner")
				.getByText(/^Added /)
				.waitFor();
			const told = await page.evaluate("told.join()");
			expect(told).toContain("Added ");
			expect(told).not.toContain(name);
		},
	);

	it("names its project where another one is shown, as a success does", async () => {
		const { client, projectId } = world.server;
		const { id: other } = await client.projects.create({ name: "Second" });
		const { page } = await world.open("customers");
		await customerNotAdded(page, "far");
		const notice = noticeOf(page);
		expect(await notice.getByText(/\(Project/).count()).toBe(0);
		await follow(page, `/ui/${other}/keys`);
		await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
		const { name } = (await client.listProjects()).find(({ id }) => id === projectId)!;
		await notice.getByText(`The customer far was not added (Project ${name})`).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await notice.getByRole("button", { name: "Try again" }).click();
		await page.locator(".corner").getByText(`Added Far (Project ${name})`).waitFor();
		await client.projects.delete(other);
	});

	it("is told of the settings, of a customer and of an event type whose screen was left", async () => {
		const { eventTypes, customers } = world.server.project;
		await eventTypes.create({ name: "left.type", description: "Before" });
		await customers.update("left", { name: "Left Ltd" });
		const { page } = await world.open("settings");
		const { name: project } = (await world.server.client.listProjects())[0]!;
		const forms = [
			{ path: "settings", field: "Payloads", call: /\/projects\/[^/]+$/, what: `The settings of ${project}` },
			{ path: "customers/left", field: "Metadata", call: /\/customers\/left$/, what: "Left Ltd" },
			{ path: "event-types/left.type", field: "Description", call: /\/event-types\/left.type$/, what: "left.type" },
		];
		for (const { path, field, call: url, what } of forms) {
			await follow(page, `/ui/${world.server.projectId}/${path}`);
			const text = field === "Payloads" ? "3" : "plan: pro";
			await page.getByLabel(field, { exact: true }).fill(text);
			const call = await saveAndLeave(page, url);
			call.refuse();
			await noticeOf(page)
				.getByText(new RegExp(`^${what} (was|were) not saved`))
				.waitFor();
			await noticeOf(page).getByRole("button", { name: "Try again" }).click();
			await expect.poll(() => noticeOf(page).count()).toBe(0);
			await page.unrouteAll();
		}
		const saved = await world.server.client.projects.get(world.server.projectId);
		expect(saved.payloadRetentionDays).toBe(3);
		expect(await customers.get("left")).toMatchObject({ name: "Left Ltd", metadata: { plan: "pro" } });
		expect(await eventTypes.get("left.type")).toMatchObject({ description: "plan: pro" });
	});

	it.each(["list", "screen"] as const)(
		"leads back to the form of the %s, with what was typed, if somebody else was faster",
		async (from) => {
			const { batch } = world.server.project;
			const { id } = await batch.webhooks.create({ name: `Of the ${from}`, spec: { endpoint: "https://example.com" } });
			const { page } = await world.open(from === "list" ? "webhooks" : `webhooks/${id}`);
			if (from === "list") await choose(page, `Of the ${from}`, "Edit…");
			else await page.getByRole("button", { name: "Edit", exact: true }).click();
			const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
			await drawer.getByLabel("Name").fill("Typed");
			const call = await hold(page, "PATCH", /\/batch\/webhooks\//);
			await drawer.getByRole("button", { name: "Save" }).click();
			await call.made;
			await follow(page, `/ui/${world.server.projectId}/keys`);
			await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
			// The answer is the server's own: it names a newer revision.
			await batch.webhooks.update(id, { name: "Theirs", spec: { description: "Of somebody else" } });
			call.release();
			await noticeOf(page).getByText(`Of the ${from} was not saved`).waitFor();
			await noticeOf(page).getByText("Somebody else has changed it meanwhile.").waitFor();
			expect(await noticeOf(page).getByRole("button", { name: "Try again" }).count()).toBe(0);
			expect(await axeFindings(page)).toEqual([]);
			await noticeOf(page).getByRole("button", { name: "Open the form" }).click();
			await drawer.getByRole("group", { name: "Name" }).getByText("Theirs", { exact: true }).waitFor();
			expect(new URL(page.url()).pathname).toContain(`/ui/${world.server.projectId}/webhooks`);
			expect(await drawer.getByRole("textbox", { name: "Name" }).inputValue()).toBe("Typed");
			await drawer.getByRole("button", { name: "Keep mine" }).click();
			await drawer.getByRole("button", { name: "Save" }).click();
			await page.getByText("Saved Typed").waitFor();
			expect(await batch.webhooks.get(id)).toMatchObject({ name: "Typed", description: "Of somebody else" });
			await expect.poll(() => noticeOf(page).count()).toBe(0);
		},
	);

	it("is taken back into its form when the server finds a mistake in it, which trying again would not mend", async () => {
		await world.server.project.customers.update("typo", { name: "Typo Ltd" });
		const { page } = await world.open("settings");
		const long = `plan: ${"x".repeat(5_000)}`;
		const forms = [
			{ path: "customers/typo", field: "Metadata", text: long, call: /\/customers\/typo$/ },
			{ path: "settings", field: "Payloads", text: "999999999999999", call: /\/projects\/[^/]+$/ },
		];
		for (const { path, field, text, call: url } of forms) {
			await follow(page, `/ui/${world.server.projectId}/${path}`);
			await page.getByLabel(field, { exact: true }).fill(text);
			const call = await saveAndLeave(page, url);
			call.release();
			await noticeOf(page).getByText("not saved").waitFor();
			expect(await noticeOf(page).getByRole("button", { name: "Try again" }).count()).toBe(0);
			await noticeOf(page).getByRole("button", { name: "Open the form" }).click();
			await expect.poll(() => page.getByLabel(field, { exact: true }).inputValue()).toBe(text);
			expect(new URL(page.url()).pathname).toBe(`/ui/${world.server.projectId}/${path}`);
			await expect.poll(() => noticeOf(page).count()).toBe(0);
			await page.unrouteAll();
		}
	});

	it("is offered beside what others have made of the same setting since, to choose", async () => {
		const { projects } = world.server.client;
		const { projectId } = world.server;
		const { page } = await world.open("settings");
		const field = page.getByLabel("Payloads", { exact: true });
		await field.fill("12");
		const call = await saveAndLeave(page, /\/projects\/[^/]+$/);
		await projects.update(projectId, { payloadRetentionDays: 9, name: "Theirs" });
		call.refuse();
		await noticeOf(page).getByRole("button", { name: "Open the form" }).click();
		await page.getByRole("group", { name: "How long things are kept: Payloads" }).getByText("9").waitFor();
		expect([await field.inputValue(), await page.getByLabel("Name").inputValue()]).toEqual(["12", "Theirs"]);
		expect(await axeFindings(page)).toEqual([]);
		const save = page.locator("form").getByRole("button", { name: "Save", exact: true });
		expect(await save.isDisabled()).toBe(true);
		// That would be to what was there before both.
		expect(await page.getByRole("button", { name: "Undo the changes" }).count()).toBe(0);
		await page.getByRole("button", { name: "Keep mine" }).click();
		await save.click();
		await page.getByText("Saved", { exact: true }).waitFor();
		expect(await projects.get(projectId)).toMatchObject({ payloadRetentionDays: 12, name: "Theirs" });
		await projects.update(projectId, { payloadRetentionDays: null });
	});

	it("never gets into the form of the same event type in another project", async () => {
		const { id: other } = await world.server.client.projects.create({ name: "Second" });
		const types = world.server.project.eventTypes;
		await types.create({ name: "same.type", description: "Of the first" });
		await world.server.client.project(other).eventTypes.create({ name: "same.type", description: "Of the second" });
		const { page } = await world.open("event-types/same.type");
		const description = page.getByRole("textbox", { name: "Description" });
		await description.fill("Typed for the first");
		const call = await hold(page, "PATCH", /\/event-types\/same.type$/);
		await page.locator("form").getByRole("button", { name: "Save", exact: true }).click();
		await call.made;
		await follow(page, `/ui/${other}/event-types/same.type`);
		await expect.poll(() => description.inputValue()).toBe("Of the second");
		await types.update("same.type", { description: "Of somebody else" });
		call.release();
		await noticeOf(page).getByRole("button", { name: "Open the form" }).click();
		await page.getByRole("region", { name: "Changed elsewhere" }).getByText("Of somebody else").waitFor();
		expect(new URL(page.url()).pathname).toBe(`/ui/${world.server.projectId}/event-types/same.type`);
		expect(await description.inputValue()).toBe("Typed for the first");
		await follow(page, `/ui/${other}/event-types/same.type`);
		await expect.poll(() => description.inputValue()).toBe("Of the second");
		await world.server.client.projects.delete(other);
	});

	it("stays in its notice until the form has taken it, though somebody stays where they are", async () => {
		await world.server.project.customers.update("kept", { name: "Kept Ltd" });
		const { page } = await world.open("customers/kept");
		await page.getByLabel("Metadata", { exact: true }).fill("plan: pro");
		const call = await hold(page, "PATCH", /\/customers\/kept$/);
		await page.locator("form").getByRole("button", { name: "Save", exact: true }).click();
		await call.made;
		await page.getByRole("link", { name: "Keys" }).click();
		await page.getByRole("button", { name: "Create a key" }).first().click();
		const drawer = page.getByRole("dialog", { name: "Create a key" });
		await drawer.getByLabel("Name").fill("meanwhile");
		await drawer.getByRole("button", { name: "Create the key" }).click();
		await drawer.getByRole("region", { name: "The key" }).waitFor();
		call.refuse();
		const open = noticeOf(page).getByRole("button", { name: "Open the form" });
		// The drawer's shade may lie over it: a keyboard gets there.
		await open.dispatchEvent("click");
		const question = page.getByRole("dialog", { name: "Leave without the key?" });
		await question.getByRole("button", { name: "Stay" }).click();
		await expect.poll(() => question.count()).toBe(0);
		expect(await noticeOf(page).getByText("Kept Ltd was not saved").count()).toBe(1);
		await drawer.getByRole("button", { name: "I have stored it" }).click();
		await expect.poll(() => drawer.count()).toBe(0);
		await open.click();
		await expect.poll(() => page.getByLabel("Metadata", { exact: true }).inputValue()).toBe("plan: pro");
		await expect.poll(() => noticeOf(page).count()).toBe(0);
	});

	it("leaves the focus to whoever types in a dialog, also when its button is blocked no longer", async () => {
		const { page } = await world.open("customers?form=new");
		const dialog = page.getByRole("dialog", { name: "Add a customer" });
		await dialog.getByLabel("Id").pressSequentially("typed");
		await dialog.getByLabel("Name").pressSequentially("Typed in full");
		expect(await dialog.getByLabel("Name").inputValue()).toBe("Typed in full");
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { name: "Typed in full", level: 1 }).waitFor();
	});

	it("finds a dialog open while it is saved, with what was typed; if it is left all the same, a failure is said", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/held");
		const { page } = await world.open("webhooks");
		let call = await hold(page, "PATCH", /\/batch\/webhooks\//);
		await page.getByRole("button", { name: "Actions for test" }).click();
		await page.getByRole("menuitem", { name: "Edit…" }).click();
		const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
		await drawer.getByLabel("Name").fill("Typed");
		await drawer.getByRole("button", { name: "Save" }).click();
		await call.made;
		await drawer.locator("button[data-loading=true]").waitFor();
		await page.keyboard.press("Escape");
		await page.mouse.click(5, 5);
		call.refuse();
		await drawer.getByRole("alert").getByText("Nothing that you typed is lost").waitFor();
		expect(await drawer.getByLabel("Name").inputValue()).toBe("Typed");
		await page.unrouteAll();
		call = await hold(page, "PATCH", /\/batch\/webhooks\//);
		await drawer.getByRole("button", { name: "Save" }).click();
		await call.made;
		await page.goBack();
		await expect.poll(() => drawer.count()).toBe(0);
		call.refuse();
		await noticeOf(page).getByText("test was not saved").waitFor();
		await noticeOf(page).getByRole("button", { name: "Try again" }).click();
		await page.getByText("Saved Typed").waitFor();
		expect((await world.server.project.batch.webhooks.get(id)).name).toBe("Typed");
	});
});

/** Asks for a key to be revoked and closes the dialog while that is under way. */
async function revoke(page: Page, name: string) {
	const call = await hold(page, "DELETE", /\/workspace\/keys\//);
	await choose(page, name, "Revoke…");
	await page.getByRole("button", { name: `Revoke ${name}` }).click();
	await call.made;
	await page.keyboard.press("Escape");
	return call;
}

/** Saves the form of the screen, and goes to another one while that is under way. */
async function saveAndLeave(page: Page, url: RegExp) {
	const call = await hold(page, "PATCH", url);
	await page.locator("form").getByRole("button", { name: "Save", exact: true }).click();
	await call.made;
	await page.getByRole("link", { name: "Keys" }).click();
	await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
	return call;
}

function noticeOf(page: Page) {
	return page.getByRole("region", { name: "What you have missed" });
}

async function choose(page: Page, name: string, item: string): Promise<void> {
	await page.getByRole("button", { name: `Actions for ${name}` }).click();
	await page.getByRole("menuitem", { name: item }).click();
}

/** A customer whose dialog is closed before it is refused that they are added. */
async function customerNotAdded(page: Page, id: string): Promise<void> {
	await page.getByRole("link", { name: "Customers" }).click();
	await page.getByRole("button", { name: "Add a customer" }).first().click();
	const dialog = page.getByRole("dialog", { name: "Add a customer" });
	await dialog.getByLabel("Id").fill(id);
	await dialog.getByLabel("Name").fill(`${id[0]!.toUpperCase()}${id.slice(1)}`);
	const call = await hold(page, "PATCH", new RegExp(`/customers/${id}$`));
	await dialog.getByRole("button", { name: "Add the customer" }).click();
	await call.made;
	await page.keyboard.press("Escape");
	await expect.poll(() => dialog.count()).toBe(0);
	call.refuse();
	await noticeOf(page).getByText(`The customer ${id} was not added`).waitFor();
}
