import { createHmac, randomBytes } from "node:crypto";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { firstFate } from "./faults.ts";
import { Receiver } from "./receiver.ts";
import { problemsOfSignatures } from "./verdict.ts";

const key = randomBytes(32);
const body = JSON.stringify({ type: "order.paid", timestamp: new Date().toISOString(), data: {} });

let receiver: Receiver;
let url = "";
beforeEach(async () => {
	receiver = new Receiver((_event, number) => (number === 1 ? "fail" : "accept"));
	receiver.secret = key.toString("base64");
	url = await receiver.start();
});
afterEach(() => receiver.close());

describe("the demo's receiver", () => {
	it("fails an attempt whose fate is to fail, and accepts the next one", async () => {
		expect(await post(key)).toBe(500);
		expect(await post(key)).toBe(204);
		expect(receiver.verified).toBe(2);
		expect(await receiver.accepted("evt_1", AbortSignal.timeout(DEADLINE_MS))).toMatchObject({
			number: 2,
			path: "/hooks",
		});
		expect(problemsOfSignatures(receiver.refusals)).toEqual([]);
	});

	it("refuses a forged signature, which becomes a problem in the verdict", async () => {
		expect(await post(randomBytes(32))).toBe(400);
		expect(receiver.verified).toBe(0);
		expect(problemsOfSignatures(receiver.refusals)).toEqual([expect.stringMatching(/^1 request did not verify/)]);
	});

	it("has the same fates in every run: about one in twenty fails, some are reset or slow", () => {
		const fates = Array.from({ length: 1_000 }, (_, i) => firstFate(i + 1));
		const countOf = (fate: string) => fates.filter((each) => each === fate).length;
		expect({ fail: countOf("fail"), reset: countOf("reset"), slow: countOf("slow") }).toMatchInlineSnapshot(`
			{
			  "fail": 55,
			  "reset": 12,
			  "slow": 11,
			}
		`);
	});
});

async function post(signingKey: Buffer): Promise<number> {
	const timestamp = Math.floor(Date.now() / 1_000);
	const signature = createHmac("sha256", signingKey).update(`evt_1.${timestamp}.${body}`).digest("base64");
	const headers = {
		"webhook-id": "evt_1",
		"webhook-timestamp": String(timestamp),
		"webhook-signature": `v1,${signature}`,
	};
	const response = await fetch(`${url}/hooks`, { method: "POST", body, headers });
	return response.status;
}
