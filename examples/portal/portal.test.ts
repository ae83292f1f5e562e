// Foodie as a process: who gets a token of whom, and an order on its way to an endpoint. (What the portal shows is tested with the dashboard.)
import { execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Script } from "node:vm";

import { Client } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

describe("npm run portal", () => {
	const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
	const env = { ...Object.fromEntries(inherited), PORT: "0" };
	const child = spawn(process.execPath, ["--conditions=@fanfare/source", main], { env });
	const exited = new Promise<unknown>((resolve) => void child.once("exit", (...exit) => resolve(exit)));
	let output = "";
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
	let [foodie, fanfare] = ["", ""];
	beforeAll(async () => {
		const found = await eventually("the addresses", () => /Foodie is at (\S+), and Fanfare at (\S+)\.\n/.exec(output));
		[, foodie = "", fanfare = ""] = found;
		foodie = foodie.replace("localhost", "127.0.0.1");
	});
	afterAll(() => void child.kill("SIGKILL"));

	const ask = (method: string, path: string, cookie = "") =>
		fetch(foodie + path, { method, headers: { cookie }, redirect: "manual" });
	const signIn = async (customer: string) =>
		(await ask("POST", `/sign-in?as=${customer}`)).headers.get("set-cookie")!.split(";")[0]!;
	/** A client with a token that Foodie has given to somebody's page. */
	const clientOf = async (cookie: string) => {
		const response = await ask("POST", "/portal-token", cookie);
		expect(response.status).toBe(200);
		return new Client(await response.text(), { endpoint: fanfare });
	};

	it("gives tokens of one's own customer, and none to somebody who is not signed in", async () => {
		for (const cookie of ["", "foodie=", "foodie=guess"]) {
			expect((await ask("POST", "/portal-token", cookie)).status).toBe(401);
			expect(await (await ask("GET", "/portal", cookie)).text()).toContain("Sign in as Ada");
		}
		for (const customerId of ["acme", "globex"]) {
			const caller = await (await clientOf(await signIn(customerId))).getCaller();
			expect(caller).toMatchObject({
				customerId,
				portalSession: { returnUrl: expect.stringContaining("http://localhost:") as string },
			});
		}
		expect((await ask("POST", "/sign-in?as=nobody")).status).toBe(400);
	});

	it("leads to the portal by a link, and has it in a page, which may show nothing else", async () => {
		const cookie = await signIn("acme");
		const link = await ask("GET", "/portal", cookie);
		expect([link.status, link.headers.get("location")]).toEqual([
			303,
			expect.stringMatching(new RegExp(`^${fanfare}/portal/#t=ps_`)),
		]);
		const page = await ask("GET", "/webhooks", cookie);
		expect(page.headers.get("content-security-policy")).toContain(`frame-src ${fanfare}`);
		const html = await page.text();
		expect(html).toContain(`<fanfare-portal src="${fanfare}"`);
		expect(html).not.toContain("ps_");
		expect(await (await ask("GET", "/webhooks.js")).text()).toContain("portal.onExpired");
		const element = await (await ask("GET", "/portal.js")).text();
		expect(element).toContain('"fanfare-portal"');
		expect(() => new Script(element.replaceAll(/^export /gm, ""))).not.toThrow();
	});

	it("sends an order to the endpoints of the customer who has placed it", async () => {
		const cookie = await signIn("acme");
		const client = await clientOf(cookie);
		const { projectId } = await client.getCaller();
		const own = client.project(projectId!);
		expect((await own.eventTypes.list()).data.map(({ name }) => name).sort()).toEqual([
			"order.cancelled",
			"order.placed",
		]);
		for (const name of ["works", "broken"]) {
			await own.batch.webhooks.create({ name, spec: { endpoint: `${foodie}/hooks/${name}` } });
		}
		expect((await ask("POST", "/orders", cookie)).status).toBe(303);
		await eventually("both attempts", async () => {
			const { data } = await own.deliveries.list();
			return data.length === 2 && data.every(({ attemptCount }) => attemptCount > 0);
		});
		const { data } = await own.deliveries.list();
		expect(data.map(({ status }) => status).sort()).toEqual(["Pending", "Succeeded"]);
		const other = (await clientOf(await signIn("globex"))).project(projectId!);
		expect((await other.deliveries.list()).data).toEqual([]);
	});

	it("says in a sentence what to do if its port is in use", async () => {
		const { port } = new URL(foodie);
		const second = promisify(execFile)(process.execPath, ["--conditions=@fanfare/source", main], {
			env: { ...env, PORT: port },
		});
		await expect(second).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringMatching(
				new RegExp(`^Foodie can't listen on port ${port} \\(.*EADDRINUSE.*\\)\\. Choose another one: PORT=.*\n$`),
			) as string,
		});
	});

	it("ends when it is told to", async () => {
		child.kill("SIGTERM");
		expect(await exited).toEqual([0, null]);
	});
});
