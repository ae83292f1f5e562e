// What the operator allows does not count for the webhooks of customers, unless it is said so.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { createAddressGuard } from "./address-guard.ts";
import { openTestSender, PROJECT } from "./test/open-test-sender.ts";

const ALLOWED = {
	allowHttp: true,
	allowNetworks: ["10.0.0.0/8", "127.0.0.0/8"],
	allowHosts: [
		{ host: "billing.internal", projectId: null },
		{ host: "crm", projectId: PROJECT },
	],
};
const INTERNAL = [
	"http://example.com/",
	"https://10.1.2.3/",
	"https://billing.internal/",
	"https://crm/",
	"https://localhost/",
	"https://other/",
];

describe("connections to one origin", () => {
	const guard = createAddressGuard({ ...ALLOWED, allowForCustomers: true });

	it("are shared neither by customers of a project nor with webhooks that have no customer", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ guard });
		for (const customerId of ["acme", "globex", null, "acme", "globex", null]) {
			expect(await sender.send(receiver.url, { customerId })).toMatchObject({ responseCode: 200 });
		}
		expect(receiver.requests.map(({ connection }) => connection)).toEqual([0, 1, 2, 0, 1, 2]);
	});

	it("are opened for a customer while another one's hang", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ guard, ca: receiver.ca, connectTimeoutMs: 600_000 });
		const send = (customerId: string) =>
			sender.send(`https://localhost:${receiver.port}`, { customerId, timeoutMs: 600_000 });
		receiver.greeting = "silent";
		const hanging = Array.from({ length: 20 }, () => send("acme"));
		await receiver.waitForConnections(8);
		receiver.greeting = "serve";
		expect(await send("globex")).toMatchObject({ responseCode: 200 });
		sender.abort();
		await Promise.all(hanging);
	});
});

describe("an endpoint that the operator has allowed", () => {
	it("can be registered for the product's own webhooks, and not for those of a customer", () => {
		const guard = createAddressGuard(ALLOWED);
		for (const url of INTERNAL) {
			// What a name resolves to is checked when it is connected to.
			const isName = url === "https://billing.internal/";
			expect(guard.reject(url, PROJECT)).toBeNull();
			expect(guard.reject(url, PROJECT, null)).toBeNull();
			const reason = guard.reject(url, PROJECT, "acme");
			if (!isName) expect(reason).toMatch(/^The endpoint/);
			// A stranger is not told how the server is set up.
			expect(String(reason)).not.toContain("FANFARE_");
		}
		const party = guard.partyOf(PROJECT, "acme");
		expect(guard.refusal("10.1.2.3", "billing.internal", party)).toBe("a private address");
		expect(guard.refusal("10.1.2.3", "billing.internal", guard.partyOf(PROJECT, null))).toBeNull();
		expect(guard.refusal("93.184.215.14", "example.com", party)).toBeNull();
		expect(guard.reject("https://example.com/", PROJECT, "acme")).toBeNull();
	});

	it("can be registered for customers if the operator says so", () => {
		const guard = createAddressGuard({ ...ALLOWED, allowForCustomers: true });
		for (const url of INTERNAL) expect(guard.reject(url, PROJECT, "acme")).toBeNull();
		expect(guard.refusal("10.1.2.3", "crm", guard.partyOf(PROJECT, "acme"))).toBeNull();
	});

	it.each([
		[false, "blocked_address"],
		[true, null],
	])(
		"is called for customers: %j, also over connections that are open for the product",
		async (allowForCustomers, error) => {
			await using receiver = await startReceiver();
			await using sender = openTestSender({ guard: createAddressGuard({ ...ALLOWED, allowForCustomers }) });
			const success = { error: null, responseCode: 200 };
			expect(await sender.send(receiver.url, { customerId: null })).toMatchObject(success);
			expect(await sender.send(receiver.url, { customerId: "acme" })).toMatchObject({ error });
			expect(await sender.send(receiver.url)).toMatchObject(success);
			expect(receiver.requests).toHaveLength(error === null ? 3 : 2);
		},
	);
});
