// The list of event types, in a real browser.
import type { Page, Route } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

/** As another program has written them: with numbers that a parser rounds or shortens, escapes, and white space. */
const EXACT = {
	schema: '{"type": "object", "properties": {"id": {"maximum": 12345678901234567890}}}',
	example: '{"id":12345678901234567890,"price":1.10,"note":"\\u00e9"}',
};
const EXAMPLE_SHOWN = '{\n  "id": 12345678901234567890,\n  "price": 1.10,\n  "note": "\\u00e9"\n}';
const SCHEMA_SHOWN =
	'{\n  "type": "object",\n  "properties": {\n    "id": {\n      "maximum": 12345678901234567890\n    }\n  }\n}';

pageSuite("event types", (world) => {
	const pathOf = (name: string) => `/projects/${world.server.projectId}/event-types/${name}`;
	/** Creates a type with this schema and example. */
	const putExact = async (name: string) => {
		const body = `{"schema":${EXACT.schema},"example":${EXACT.example}}`;
		expect((await world.server.call("PUT", pathOf(name), body)).status).toBe(200);
	};
	/** Saves the form, and waits until the page has taken the answer. */
	const save = async (page: Page) => {
		const response = page.waitForResponse((one) => one.request().method() === "PATCH");
		await page.getByRole("button", { name: "Save" }).click();
		expect((await response).status()).toBe(200);
		await page.locator("button:disabled:not([data-loading])", { hasText: "Save" }).waitFor();
	};
	/** The type as the server answers, so with the text that it keeps. */
	const textOf = async (name: string) => (await world.server.call("GET", pathOf(name))).text;

	it("are added with an example and a schema made of it, and lead on from the empty list", async () => {
		const { page } = await world.open("event-types");
		await page.getByText("No event type yet").waitFor();
		await page.getByRole("button", { name: "Add an event type" }).first().click();
		const drawer = page.getByRole("dialog", { name: "Add an event type" });
		await drawer.getByLabel("Name").fill("order.paid");
		await drawer.getByLabel("Description").fill("Somebody <b>paid</b>.");
		await drawer.getByLabel("Example").fill('{"orderId": 12345678901234567890, "lines": [{"sku": "a"}]}');
		await drawer.getByRole("button", { name: "Begin with a schema" }).click();
		await drawer.getByRole("button", { name: "Add the event type" }).click();
		await page.getByRole("link", { name: "order.paid" }).waitFor();
		const type = await world.server.project.eventTypes.get("order.paid");
		expect(type).toMatchObject({
			description: "Somebody <b>paid</b>.",
			schema: { required: ["orderId", "lines"], properties: { lines: { items: { required: ["sku"] } } } },
		});
		// Exactly what was typed is stored.
		expect(await textOf("order.paid")).toContain("12345678901234567890");
	});

	it("are shown and edited with all digits of their numbers, and keep the text of what nobody has touched", async () => {
		await putExact("exact.one");
		const { page } = await world.open("event-types");
		await page.getByRole("link", { name: "exact.one" }).click();
		const example = page.getByLabel("Example");
		await expect.poll(() => example.inputValue()).toBe(EXAMPLE_SHOWN);
		await expect.poll(() => page.getByLabel("Schema").inputValue()).toBe(SCHEMA_SHOWN);
		await page.getByLabel("Description").fill("Somebody paid.");
		await save(page);
		expect(await textOf("exact.one")).toContain(`"schema":${EXACT.schema},"example":${EXACT.example},`);
		// One number is changed; the others keep their digits, and so does the schema.
		await example.fill(EXAMPLE_SHOWN.replace("1.10", "2.20"));
		await save(page);
		const changed = '{"id":12345678901234567890,"price":2.20,"note":"é"}';
		expect(await textOf("exact.one")).toContain(
			`"description":"Somebody paid.","schema":${EXACT.schema},"example":${changed},`,
		);
		await expect
			.poll(() => example.inputValue())
			.toBe('{\n  "id": 12345678901234567890,\n  "price": 2.20,\n  "note": "é"\n}');
		// What is shown after it was saved is what is kept: nothing is sent again.
		await page.getByLabel("Description").fill("Somebody has paid.");
		await save(page);
		expect(await textOf("exact.one")).toContain(`"schema":${EXACT.schema},"example":${changed},`);
		await page.getByLabel("Schema").fill("");
		await save(page);
		expect(await textOf("exact.one")).toContain(`"schema":null,"example":${changed},`);
		await expect.poll(() => page.getByLabel("Schema").inputValue()).toBe("");
	});

	it("can be described in a browser that would round their numbers, which are not sent then", async () => {
		await putExact("exact.old");
		const { page } = await world.open("event-types");
		await page.addInitScript(() => Reflect.deleteProperty(JSON, "rawJSON"));
		await page.reload();
		await page.getByRole("link", { name: "exact.old" }).click();
		await page.getByLabel("Description").fill("Somebody paid.");
		await save(page);
		expect(await textOf("exact.old")).toContain(
			`"description":"Somebody paid.","schema":${EXACT.schema},"example":${EXACT.example},`,
		);
		await page.getByLabel("Example").fill(EXAMPLE_SHOWN.replace("1.10", "2.20"));
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("expected a number that this browser does not round").waitFor();
	});

	it("are edited, with the server's objections at their lines and nothing lost", async () => {
		await world.server.project.eventTypes.create({ name: "edit.one", example: { a: 1 } });
		const { page } = await world.open("event-types/edit.one");
		const schema = '{\n"type": "object",\n"properties": {\n"a": {"type": "strin"}\n}\n}';
		await page.getByLabel("Schema").fill(schema);
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("Line 4:").waitFor();
		await expect.poll(() => page.getByLabel("Schema").inputValue()).toBe(schema);
		await page.getByLabel("Schema").fill(schema.replace("strin", "string"));
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("Line 2: a must be string").waitFor();
		await page.getByLabel("Example").fill('{"a": "x"}');
		await page.getByText("Internal", { exact: true }).click();
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("Saved edit.one").waitFor();
		expect(await world.server.project.eventTypes.get("edit.one")).toMatchObject({
			visibility: "internal",
			example: { a: "x" },
		});
	});

	it("keep what is typed while they are saved, in the field where it is typed, and are saved once", async () => {
		await world.server.project.eventTypes.create({ name: "slow.one" });
		const { page } = await world.open("event-types/slow.one");
		const held: Route[] = [];
		await page.route("**/event-types/slow.one", (route) =>
			route.request().method() === "PATCH" ? void held.push(route) : route.continue(),
		);
		const example = page.getByLabel("Example");
		const focused = () => page.evaluate<string>("document.activeElement.value");
		await page.getByLabel("Description").fill("Is sent");
		await example.fill('{"a": 1}');
		// Held down, and pressed again.
		await page.keyboard.down("Control");
		for (let time = 0; time < 3; time++) await page.keyboard.down("Enter");
		await page.keyboard.up("Enter");
		await expect.poll(() => held.length).toBe(1);
		await page.keyboard.press("Enter");
		await page.keyboard.up("Control");
		await example.fill('{"a": 12}');
		await held[0]!.continue();
		await page.getByText("Saved slow.one").waitFor();
		await expect.poll(() => page.getByRole("button", { name: "Save" }).getAttribute("data-loading")).toBeNull();
		expect(await focused()).toBe('{"a": 12}');
		expect(await page.getByLabel("Description").inputValue()).toBe("Is sent");
		expect(await page.getByText("It was changed elsewhere").count()).toBe(0);
		expect(await textOf("slow.one")).toContain('"example":{"a":1},');
		await page.keyboard.press("Control+Enter");
		await expect.poll(() => held.length).toBe(2);
		await held[1]!.continue();
		await page.locator("button:disabled:not([data-loading])", { hasText: "Save" }).waitFor();
		expect(await focused()).toBe('{\n  "a": 12\n}');
		expect(await textOf("slow.one")).toContain('"description":"Is sent","schema":null,"example":{"a":12},');
		expect(await page.getByText("Nothing that you typed is lost").count()).toBe(0);
		expect(held.length).toBe(2);
	});

	it("are saved once by keys that a busy browser handles before it runs any timer", async () => {
		await world.server.project.eventTypes.create({ name: "fast.one" });
		const { page } = await world.open("event-types/fast.one");
		const saves: string[] = [];
		page.on("request", (request) => {
			if (request.method() === "PATCH") saves.push(request.url());
		});
		await page.getByLabel("Description").fill("Mine");
		await page.getByLabel("Example").evaluate(async (field) => {
			for (let time = 0; time < 2; time++) {
				const options = { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true };
				field.dispatchEvent(new KeyboardEvent("keydown", options));
				// What follows from a key without a timer is done before the next one.
				for (let turn = 0; turn < 100; turn++) await Promise.resolve();
			}
		});
		await page.getByText("Saved fast.one").waitFor();
		expect(saves).toHaveLength(1);
	});

	it("are archived, found among the archived, and deleted after a question", async () => {
		await world.server.project.eventTypes.create({ name: "old.one" });
		const { page } = await world.open("event-types/old.one");
		await page.getByRole("button", { name: "Archive" }).click();
		await page.getByText("Archived old.one").waitFor();
		await page.getByRole("link", { name: "‹ Event types" }).click();
		await page.getByRole("button", { name: /Archived \d/ }).click();
		await page.getByRole("link", { name: "old.one" }).click();
		await page.getByRole("button", { name: "Delete…" }).click();
		await page.getByRole("button", { name: "Delete old.one" }).click();
		await page.getByText("Deleted old.one").waitFor();
		await expect(world.server.project.eventTypes.get("old.one")).rejects.toMatchObject({ status: 404 });
	});
});
